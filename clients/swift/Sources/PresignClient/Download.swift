import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// A file that an object is read into. It appears once the object is there as a whole.
final class Download: Receiver, @unchecked Sendable {
    private let file: URL
    private let temporary: URL
    private let handle: FileHandle
    private let progress: TransferProgress
    private var digest = WholeDigest()
    private var expected: String?
    private var etag: String?
    private var done = 0
    private var total = -1

    init(_ file: URL, _ progress: @escaping TransferProgress) throws {
        self.file = file
        self.progress = progress
        let name = ".presign-\(UUID().uuidString).part"
        temporary = file.deletingLastPathComponent().appendingPathComponent(name)
        guard file.isLocal, FileManager.default.createFile(atPath: temporary.path, contents: nil),
            let handle = FileHandle(forWritingAtPath: temporary.path)
        else { throw PresignError.unwritableFile }
        self.handle = handle
    }

    var isWhole: Bool { done == total }

    /// The headers that ask for what is missing.
    var range: [String: String] {
        guard let etag, done > 0 else { return [:] }
        return ["Range": "bytes=\(done)-", "If-Match": etag]
    }

    func begin(_ response: HTTPURLResponse) throws {
        let told = response.value(forHTTPHeaderField: "ETag")
        let length = response.value(forHTTPHeaderField: "Content-Length").flatMap { Int($0) }
        guard let told, let length, length >= 0 else { throw PresignError.foreignAnswer(.store) }
        if response.statusCode == 206 {
            let range = response.value(forHTTPHeaderField: "Content-Range") ?? ""
            let isNext = told == etag && range.hasPrefix("bytes \(done)-") && done + length == total
            guard isNext else { throw PresignError.foreignAnswer(.store) }
        } else {
            // A store that ignores the range sends everything again.
            digest = WholeDigest()
            done = 0
            total = length
            etag = told
            expected = toldDigest(response)
            guard (try? handle.truncate(atOffset: 0)) != nil else { throw PresignError.unwritableFile }
        }
        progress(done, total)
    }

    func receive(_ data: Data) throws {
        guard done + data.count <= total else { throw PresignError.foreignAnswer(.store) }
        do {
            try handle.write(contentsOf: data)
        } catch {
            throw PresignError.unwritableFile
        }
        digest.update(data)
        done += data.count
        progress(done, total)
    }

    /// - Throws: `connection_failed` if the answer ended too early.
    func checkWhole() throws {
        guard isWhole else { throw PresignError("connection_failed", "The answer of Object Storage ended too early.") }
    }

    func finish() throws {
        if let expected, let found = digest.sha256, found != expected {
            throw PresignError("checksum_mismatch", "The bytes that arrived are not those that were uploaded.")
        }
        do {
            try handle.close()
        } catch {
            throw PresignError.unwritableFile
        }
        // FileManager would not replace a file by another in one step on Linux.
        guard rename(temporary.path, file.path) == 0 else { throw PresignError.unwritableFile }
    }

    func close() {
        try? handle.close()
        try? FileManager.default.removeItem(at: temporary)
    }
}

/// The digest in Base64 that the metadata of an object hold. Another program may have put something else there.
func toldDigest(_ response: HTTPURLResponse) -> String? {
    ["x-amz-meta-sha256", "opc-meta-sha256"].lazy.compactMap { response.value(forHTTPHeaderField: $0) }
        .first { Data(base64Encoded: $0)?.count == 32 }
}
