// Digests by CryptoKit, which exists on Apple's systems only. The tests of this project run on Linux, so only the macOS job
// of .github/workflows/ci.yml compiles the part before `#else`.

import Foundation

#if canImport(CryptoKit)
import CryptoKit

/// Digest of a whole file.
struct WholeDigest: @unchecked Sendable {
    private var digest = SHA256()

    mutating func update(_ data: Data) {
        digest.update(data: data)
    }

    /// In Base64, as the metadata of an object hold it.
    var sha256: String? { Data(digest.finalize()).base64EncodedString() }

    /// Tells a file from another one.
    var identity: String { sha256 ?? "" }
}

/// The value of the header `Content-MD5`, so that Object Storage checks what it gets.
func contentMD5(_ data: Data) -> String? {
    Data(Insecure.MD5.hash(data: data)).base64EncodedString()
}

#else

/// Linux has no digests of its own: a fingerprint tells a file from another one.
struct WholeDigest: Sendable {
    private var fingerprint = Fingerprint()

    mutating func update(_ data: Data) {
        fingerprint.update(data)
    }

    var sha256: String? { nil }

    var identity: String { fingerprint.text }
}

func contentMD5(_ data: Data) -> String? { nil }

#endif
