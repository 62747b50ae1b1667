import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

extension PresignClient {
    private static let partsFromBytes = 16 << 20
    private static let abortNanoseconds: UInt64 = 10_000_000_000

    /// Store a file. A large one is sent in parts. On Apple's systems Object Storage compares the digest of each part.
    /// - Parameters:
    ///   - state: remembers the parts that were sent, so that a later call with the same file and key goes on from there,
    ///     in another process too. It may hold a URL: keep it where only the app can read it. Without a state, the parts
    ///     are dropped when the upload fails or its task is cancelled, which takes 10 seconds at most.
    public func upload(
        _ file: URL, key: String, contentType: String, state: URL? = nil,
        progress: @escaping TransferProgress = { _, _ in }
    ) async throws {
        let source = try Source(file)
        let identity = "\(api.bucket ?? "") \(key) \(source.size) \(source.digest.identity)"
        let upload = Upload(
            client: self, source: source, key: key, contentType: contentType, identity: identity,
            state: UploadState(state, identity: identity), progress: progress)
        do {
            try await upload.run(via: api.via ?? upload.state.via)
        } catch let error as PresignError where api.via == nil && error.wantsPAR {
            try await upload.run(via: "par")
        }
        upload.state.forget()
    }

    /// The request that stores a file, for a session of the caller's own, such as one in the background. Object Storage
    /// takes 5 GB at most in one request.
    /// - Parameter expiresInSeconds: how long it may wait before it is sent; by default as long as the policy says.
    public func uploadRequest(
        _ file: URL, key: String, contentType: String, expiresInSeconds: Int? = nil
    ) async throws -> URLRequest {
        let size = try Source.size(of: file)
        var options: [String: Any] = ["key": key, "content_type": contentType]
        options["expires_in"] = expiresInSeconds
        return try await retry {
            do {
                return try await api.presign("put_object", options.merging(["content_length": size]) { $1 }).request
            } catch let error as PresignError where error.wantsPAR {
                return try await api.presign("put_object", options, via: "par").request
            }
        }
    }

    /// Drop an upload that was begun with this state, and the parts that were sent.
    public func discard(_ key: String, state: URL) async throws {
        let kept = UploadState(state, identity: nil)
        if let uploadID = kept.uploadID {
            let parts = parts(key, via: kept.via, [:])
            do {
                try await retry { try await parts.abort(uploadID) }
            } catch let error as PresignError where parts.isGone(error) {}
        }
        kept.forget()
    }

    fileprivate func uploadWhole(_ upload: Upload, via: String?) async throws {
        let source = upload.source
        let body = try source.read(0, source.size)
        let md5 = contentMD5(body)
        var options = upload.description
        options["key"] = upload.key
        if via != "par" {
            options["content_length"] = source.size
            options["content_md5"] = md5
        }
        let headers = md5.map { ["Content-MD5": $0] } ?? [:]
        _ = try await retry {
            try source.checkUnchanged()
            let url = try await api.presign("put_object", options, via: via)
            upload.progress(0, source.size)
            return try await use(url, body, headers: headers) { upload.progress($0, source.size) }.etag()
        }
        upload.progress(source.size, source.size)
    }

    fileprivate func uploadParts(_ upload: Upload, via: String?) async throws {
        let state = upload.state
        let parts = parts(upload.key, via: via, upload.description)
        if state.via != parts.via { state.ignore() }
        let wasKnown = state.uploadID != nil
        do {
            try await sendParts(upload, parts)
        } catch let error as PresignError where wasKnown && parts.isGone(error) {
            if state.isCompleting, try await isStored(upload) { return }
            state.forget()
            try await sendParts(upload, parts)
        } catch {
            if !state.isKept, let uploadID = state.uploadID {
                await drop(parts, uploadID)
            }
            throw error
        }
    }

    /// Drop the parts of an upload that failed. If that takes too long, a lifecycle rule of the bucket must.
    private func drop(_ parts: Parts, _ uploadID: String) async {
        // In a task of its own, since this one may be cancelled.
        let abort = Task { try? await retry { try await parts.abort(uploadID) } }
        let limit = Task {
            try await Task.sleep(nanoseconds: Self.abortNanoseconds)
            abort.cancel()
        }
        await abort.value
        limit.cancel()
    }

    private func sendParts(_ upload: Upload, _ parts: Parts) async throws {
        let (source, state) = (upload.source, upload.state)
        if state.uploadID == nil {
            let (uploadID, partBytes) = try await retry { try await parts.begin(source.size) }
            try state.begin(upload.identity, via: parts.via, uploadID: uploadID, partBytes: partBytes)
        }
        guard let uploadID = state.uploadID else { return }
        var digest = WholeDigest()
        let count = max(1, (source.size + state.partBytes - 1) / state.partBytes)
        for number in 1...count {
            try Task.checkCancellation()
            let start = (number - 1) * state.partBytes
            let body = try source.read(start, min(state.partBytes, source.size - start))
            digest.update(body)
            let fingerprint = Fingerprint.of(body)
            if state.part(number)?.fingerprint != fingerprint {
                let etag = try await retry {
                    try source.checkUnchanged()
                    return try await parts.send(uploadID, number, body) { upload.progress(start + $0, source.size) }
                }
                try state.add(number, UploadState.Part(fingerprint: fingerprint, etag: etag))
            }
            upload.progress(start + body.count, source.size)
        }
        try source.checkUnchanged()
        // The parts must have the bytes whose digest was stored, or nobody could download the object.
        guard digest.identity == source.digest.identity else { throw PresignError.changedFile }
        try await complete(upload, parts, uploadID, (1...count).compactMap { state.part($0)?.etag })
    }

    private func complete(_ upload: Upload, _ parts: Parts, _ uploadID: String, _ etags: [String]) async throws {
        var mayBeComplete = upload.state.isCompleting
        try upload.state.complete()
        try await retry {
            defer { mayBeComplete = true }
            do {
                try await parts.complete(uploadID, etags)
            } catch let error as PresignError where mayBeComplete && parts.isGone(error) {
                // The answer to an earlier attempt may have been lost; then that one has joined the parts.
                guard try await isStored(upload) else { throw error }
            }
        }
    }

    /// Whether the object is this file, as far as its size and its digest tell.
    private func isStored(_ upload: Upload) async throws -> Bool {
        do {
            let answer = try await retry { try await use(try await api.presign("head_object", ["key": upload.key])) }
            let hasSize = answer.header("Content-Length") == "\(upload.source.size)"
            let sha256 = upload.source.digest.sha256
            return hasSize && (sha256 == nil || sha256 == toldDigest(answer.response))
        } catch let error as PresignError where error.status == 404 {
            return false
        }
    }

    private func parts(_ key: String, via: String?, _ description: [String: Any]) -> Parts {
        if via == "par" { return PARParts(client: self, key: key, description: description) }
        return S3Parts(client: self, key: key, description: description)
    }

    fileprivate static func isWhole(_ size: Int) -> Bool { size < partsFromBytes }
}

/// One call of `upload`.
private struct Upload: @unchecked Sendable {
    let client: PresignClient
    let source: Source
    let key: String
    let contentType: String
    let identity: String
    let state: UploadState
    let progress: TransferProgress

    /// The options that describe the object.
    var description: [String: Any] {
        var found: [String: Any] = ["content_type": contentType]
        if let sha256 = source.digest.sha256 { found["metadata"] = ["sha256": sha256] }
        return found
    }

    func run(via: String?) async throws {
        if PresignClient.isWhole(source.size) { return try await client.uploadWhole(self, via: via) }
        try await client.uploadParts(self, via: via)
    }
}
