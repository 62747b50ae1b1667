import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// An object in a list, or what several keys have in common.
public struct Entry: Sendable, Equatable {
    /// Of the object, or the common prefix.
    public let key: String
    public let isPrefix: Bool
    /// In bytes.
    public let size: Int
    /// RFC 3339.
    public let modifiedAt: String
}

/// Works with the objects of one bucket.
///
/// Every function throws a `PresignError` if it fails, and a `CancellationError` if its task is cancelled.
public final class PresignClient: Sendable {
    let api: API
    let transport: Transport
    let retry: Retry

    private static let linksInABatch = 20  // as many pre-authenticated requests as one call may ask for
    static let completionSeconds = 600.0
    private static let longestTimeoutSeconds = 86_400.0

    /// - Parameters:
    ///   - endpoint: URL of the API, such as `https://…/presigner/v1/presign`. Plain HTTP is for this machine only.
    ///     Slashes at its end do no harm.
    ///   - bucket: the function's own default if nil.
    ///   - via: `par` asks for pre-authenticated requests, `s3` for presigned URLs; by default the policy decides.
    ///   - attempts: how often a request is sent at most.
    ///   - timeoutSeconds: how long a connection may make no progress.
    ///   - configuration: of the session that sends all requests.
    ///   - pause: waits so many seconds before another attempt.
    ///   - token: gives the caller's token. It is called before each request, and once with true when its token was
    ///     refused: then it should get a new one.
    /// - Throws: `invalid_argument` if the endpoint is not secure, or has a query or a user, or if there is no such time-out.
    public init(
        endpoint: URL,
        bucket: String? = nil,
        via: String? = nil,
        attempts: Int = 8,
        timeoutSeconds: Double = 60,
        configuration: URLSessionConfiguration = .ephemeral,
        pause: @escaping @Sendable (Double) async throws -> Void = {
            try await Task.sleep(nanoseconds: UInt64($0 * 1_000_000_000))
        },
        token: @escaping @Sendable (_ refresh: Bool) async throws -> String
    ) throws {
        let endpoint = try endpoint.asEndpoint()
        guard timeoutSeconds > 0, timeoutSeconds <= Self.longestTimeoutSeconds else {
            let message = "The time-out must be more than 0 and at most \(Int(Self.longestTimeoutSeconds)) seconds."
            throw PresignError("invalid_argument", message)
        }
        transport = Transport(configuration: configuration, timeoutSeconds: timeoutSeconds)
        api = API(endpoint: endpoint, bucket: bucket, via: via, tokens: Tokens(token), transport: transport)
        retry = Retry(attempts: attempts, pause: pause)
    }

    /// A URL for an operation on an object.
    /// - Parameter options: of the operation, and `expires_in`; values that JSON can hold.
    public func url(_ operation: String, key: String, options: [String: Any] = [:]) async throws -> PresignedURL {
        let all = options.merging(["key": key]) { $1 }
        return try await retry { try await api.presign(operation, all) }
    }

    /// A URL that lets everybody who has it read an object.
    /// - Parameters:
    ///   - expiresInSeconds: by default as long as the policy says.
    ///   - saveAs: the file name under which a browser saves it; by default the browser shows it.
    public func share(_ key: String, expiresInSeconds: Int? = nil, saveAs: String? = nil) async throws -> PresignedURL {
        try await url("get_object", key: key, options: shareOptions(expiresInSeconds, saveAs))
    }

    /// URLs as `share` gives them, or why there is none, by their keys: one request for every 20 of them.
    public func shareAll(
        _ keys: [String], expiresInSeconds: Int? = nil, saveAs: String? = nil
    ) async throws -> [String: Result<PresignedURL, PresignError>] {
        let options = shareOptions(expiresInSeconds, saveAs)
        guard Set(keys).count == Set(keys.map { Data($0.utf8) }).count else {
            let message = "Some keys differ in their normal form only, which Swift's dictionaries can't hold: ask for them apart."
            throw PresignError("invalid_argument", message)
        }
        var found: [String: Result<PresignedURL, PresignError>] = [:]
        for start in stride(from: 0, to: keys.count, by: Self.linksInABatch) {
            let batch = keys[start..<min(start + Self.linksInABatch, keys.count)]
            let requests = batch.map { api.request("get_object", options.merging(["key": $0]) { $1 }, via: api.via) }
            let answer = try await retry { try await api.ask("batch", ["requests": requests]) }
            guard let results = answer["results"] as? [[String: Any]], results.count == batch.count else {
                throw PresignError.foreignAnswer(.api)
            }
            for (index, (key, result)) in zip(batch, results).enumerated() {
                if let problem = result["problem"] as? [String: Any] {
                    let status = problem["status"] as? Int ?? 0
                    found[key] = .failure(Answer.problem(problem, status: status, at: "/requests/\(index)"))
                } else {
                    found[key] = .success(try PresignedURL(result))
                }
            }
        }
        return found
    }

    /// Make a URL stop working, which only a pre-authenticated request can: its `id` is not nil.
    public func revoke(_ url: PresignedURL) async throws {
        guard let id = url.id else {
            let message = #"A presigned URL can't be taken back; one that was asked for with via: "par" can."#
            throw PresignError("not_revocable", message)
        }
        try await revoke(id: id, bucket: url.bucket)
    }

    /// Make a URL stop working, of which only the id was kept.
    /// - Parameter bucket: of the URL; by default the client's, or else the function's own.
    public func revoke(id: String, bucket: String? = nil) async throws {
        // The function's log tells the id.
        guard !["https://", "http://"].contains(where: id.lowercased().hasPrefix) else {
            throw PresignError("invalid_argument", "The id of a URL is needed, not the URL.")
        }
        var document = ["id": id]
        document["bucket"] = bucket ?? api.bucket
        let request = document
        _ = try await retry { try await api.ask("revoke", request) }
    }

    /// Read an object into a file, which is replaced once the object is there as a whole. On Apple's systems its digest
    /// is compared with the one that `upload` stored with it.
    public func download(_ key: String, to file: URL, progress: @escaping TransferProgress = { _, _ in }) async throws {
        let download = try Download(file, progress)
        defer { download.close() }
        try await retry {
            guard !download.isWhole else { return }
            var request = try await api.presign("get_object", ["key": key]).request
            for (name, value) in download.range { request.setValue(value, forHTTPHeaderField: name) }
            do {
                _ = try await transport.send(request, to: .store, receiver: download).succeeded()
            } catch let error as PresignError where error.status == 412 {
                let message = "The object was replaced while it was downloaded."
                throw PresignError("changed", message, status: 412, fromStore: true)
            }
            try download.checkWhole()
        }
        try download.finish()
    }

    /// Make a copy of an object inside Object Storage.
    /// - Returns: the ETag of the copy.
    @discardableResult
    public func copy(_ sourceKey: String, to key: String, sourceBucket: String? = nil) async throws -> String {
        var options = ["key": key, "source_key": sourceKey]
        options["source_bucket"] = sourceBucket
        let answer = try await retry {
            try await use(try await api.presign("copy_object", options), waitSeconds: Self.completionSeconds)
        }
        guard let etag = try answer.xml().texts["ETag"] else { throw PresignError.foreignAnswer(.store) }
        return etag
    }

    /// The bytes of an object, nil if there is none.
    public func size(_ key: String) async throws -> Int? {
        do {
            let answer = try await retry { try await use(try await api.presign("head_object", ["key": key])) }
            guard let size = answer.header("Content-Length").flatMap({ Int($0) }) else {
                throw PresignError.foreignAnswer(.store)
            }
            return size
        } catch let error as PresignError where error.status == 404 && error.fromStore {
            return nil
        }
    }

    /// Delete an object. There need not be one.
    public func delete(_ key: String) async throws {
        _ = try await retry { try await use(try await api.presign("delete_object", ["key": key])) }
    }

    private func shareOptions(_ expiresInSeconds: Int?, _ saveAs: String?) -> [String: Any] {
        var options: [String: Any] = [:]
        options["expires_in"] = expiresInSeconds
        options["download_as"] = saveAs
        return options
    }

    /// Send what a URL is for.
    func use(
        _ url: PresignedURL, _ body: Data? = nil, headers: [String: String] = [:], waitSeconds: Double = 0,
        sent: Sent? = nil
    ) async throws -> Answer {
        var request = url.request
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        return try await use(request, body, waitSeconds: waitSeconds, sent: sent)
    }

    /// Send a request to Object Storage.
    func use(
        _ request: URLRequest, _ body: Data? = nil, waitSeconds: Double = 0, sent: Sent? = nil
    ) async throws -> Answer {
        try await transport.send(request, body: body, to: .store, waitSeconds: waitSeconds, sent: sent).succeeded()
    }
}
