// A client of the presign function for iOS 16, macOS 13 and later, in one file without dependencies.
// It was parsed by this project's tests, but never type-checked or run: there is no Swift compiler among their tools.

import CryptoKit
import Foundation

/// An error in one field of a request.
public struct FieldError: Decodable, Sendable {
    /// JSON pointer of the field.
    public let pointer: String
    /// Says what is wrong with it.
    public let detail: String
}

/// The operation failed.
public struct PresignError: LocalizedError, Sendable {
    /// Code of the problem that the function told (`access_denied`, …), of the error that Object Storage told
    /// (`NoSuchKey`, …), or `connection_failed`.
    public let code: String
    /// A sentence for people.
    public let message: String
    /// Status of the answer, 0 if there was none.
    public let status: Int
    /// The fields that are wrong, or the limits that were exceeded.
    public let errors: [FieldError]
    /// Whether Object Storage answered so, not the function.
    public let fromStore: Bool
    /// How long the server asks to wait before another attempt.
    public let retryAfterSeconds: Double

    public var errorDescription: String? { message }

    /// Whether the same request may succeed later.
    public var passes: Bool {
        code == "connection_failed" || [408, 429, 502, 503, 504].contains(status) || (fromStore && status == 500)
    }
}

/// A URL and how to use it: send `method` to `url` with exactly these `headers`.
public struct PresignedURL: Decodable, Sendable {
    public let url: URL
    public let method: String
    public let headers: [String: String]
    public let expiresAt: String
    /// Of a pre-authenticated request, which can be taken back.
    public let id: String?

    enum CodingKeys: String, CodingKey {
        case url, method, headers, id
        case expiresAt = "expires_at"
    }

    /// The request that uses it. `URLSession` sends the length itself.
    public var request: URLRequest {
        var request = URLRequest(url: url, cachePolicy: .reloadIgnoringLocalCacheData)
        request.httpMethod = method
        for (name, value) in headers where name.lowercased() != "content-length" {
            request.setValue(value, forHTTPHeaderField: name)
        }
        return request
    }
}

/// Works with the objects of one bucket.
public struct PresignClient: Sendable {
    /// Is told which part of the transfer is done, from 0 to 1.
    public typealias Progress = @Sendable (Double) -> Void

    private static let attempts = 8
    private static let longestPauseSeconds = 30.0

    private let endpoint: URL
    private let token: @Sendable () async throws -> String
    private let bucket: String?
    private let session: URLSession

    /// - Parameters:
    ///   - endpoint: URL of the API, such as `https://…/presigner/v1/presign`.
    ///   - bucket: the function's own default if nil.
    ///   - session: sends all requests.
    ///   - token: gives the caller's token; it is called before each request.
    public init(
        endpoint: URL,
        bucket: String? = nil,
        session: URLSession = .shared,
        token: @escaping @Sendable () async throws -> String
    ) {
        self.endpoint = endpoint
        self.bucket = bucket
        self.session = session
        self.token = token
    }

    /// A URL for an operation on an object.
    /// - Parameter options: of the operation, and `expires_in`; values that JSON can hold.
    public func url(_ operation: String, key: String, options: [String: Any] = [:]) async throws -> PresignedURL {
        try await persistently { try await presign(operation, key: key, options: options) }
    }

    /// Store a file in one request. Object Storage compares the digest of what it gets.
    public func upload(
        _ file: URL, key: String, contentType: String, progress: @escaping Progress = { _ in }
    ) async throws {
        let (size, digest) = try md5(of: file)
        let options: [String: Any] = ["content_type": contentType, "content_length": size, "content_md5": digest]
        try await persistently {
            let request = try await presign("put_object", key: key, options: options).request
            let observer = TaskObserver(progress)
            let (body, response) = try await connected {
                try await session.upload(for: request, fromFile: file, delegate: observer)
            }
            try check(response, body)
        }
    }

    /// Read an object into a file, which is replaced once the object is there as a whole.
    public func download(_ key: String, to file: URL, progress: @escaping Progress = { _ in }) async throws {
        try await persistently {
            let request = try await presign("get_object", key: key).request
            let observer = TaskObserver(progress)
            let (temporary, response) = try await connected {
                try await session.download(for: request, delegate: observer)
            }
            defer { try? FileManager.default.removeItem(at: temporary) }
            let failed = (response as? HTTPURLResponse)?.statusCode != 200
            try check(response, failed ? (try? Data(contentsOf: temporary)) ?? Data() : Data())
            if FileManager.default.fileExists(atPath: file.path) {
                _ = try FileManager.default.replaceItemAt(file, withItemAt: temporary)
            } else {
                try FileManager.default.moveItem(at: temporary, to: file)
            }
        }
    }

    /// Delete an object. There need not be one.
    public func delete(_ key: String) async throws {
        try await persistently {
            let request = try await presign("delete_object", key: key).request
            let (body, response) = try await connected { try await session.data(for: request) }
            try check(response, body)
        }
    }

    private func presign(
        _ operation: String, key: String, options: [String: Any] = [:]
    ) async throws -> PresignedURL {
        var ask = options
        ask["operation"] = operation
        ask["key"] = key
        ask["bucket"] = bucket
        var request = URLRequest(url: endpoint)
        request.httpMethod = "POST"
        request.httpBody = try JSONSerialization.data(withJSONObject: ask)
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.setValue("Bearer \(try await token())", forHTTPHeaderField: "Authorization")
        let prepared = request
        let (answer, response) = try await connected { try await session.data(for: prepared) }
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        guard status == 200 else {
            let problem = try? JSONDecoder().decode(Problem.self, from: answer)
            throw PresignError(
                code: problem?.code ?? "http_\(status)",
                message: problem?.detail ?? problem?.message ?? "The server answered with status \(status).",
                status: status,
                errors: problem?.errors ?? [],
                fromStore: false,
                retryAfterSeconds: retryAfter(response))
        }
        return try JSONDecoder().decode(PresignedURL.self, from: answer)
    }

    /// Do it again, with growing pauses, while it may succeed later. After a 403 of Object Storage the next attempt follows
    /// at once, twice at most: the URL had expired.
    private func persistently<T>(_ attempt: () async throws -> T) async throws -> T {
        var failures = 0
        var refusals = 0
        while true {
            do {
                return try await attempt()
            } catch let error as PresignError {
                if error.fromStore && error.status == 403 && refusals < 2 {
                    refusals += 1
                    continue
                }
                failures += 1
                guard error.passes && failures < Self.attempts else { throw error }
                let pause = min(0.5 * pow(2, Double(failures - 1)), Self.longestPauseSeconds)
                let seconds = max(pause * Double.random(in: 0.5...1), error.retryAfterSeconds)
                try await Task.sleep(nanoseconds: UInt64(seconds * 1_000_000_000))
            }
        }
    }

    /// Run a transfer. The text of its error may hold the URL, so it is not passed on.
    private func connected<T>(_ transfer: () async throws -> T) async throws -> T {
        do {
            return try await transfer()
        } catch let error as URLError where error.code == .cancelled {
            throw CancellationError()
        } catch is URLError {
            throw PresignError(
                code: "connection_failed",
                message: "The connection failed.",
                status: 0,
                errors: [],
                fromStore: false,
                retryAfterSeconds: 0)
        }
    }

    private func check(_ response: URLResponse, _ body: Data) throws {
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        guard !(200..<300).contains(status) else { return }
        let text = String(decoding: body, as: UTF8.self)
        throw PresignError(
            code: element("Code", in: text) ?? "http_\(status)",
            message: element("Message", in: text) ?? "Object Storage answered with status \(status).",
            status: status,
            errors: [],
            fromStore: true,
            retryAfterSeconds: retryAfter(response))
    }
}

private struct Problem: Decodable {
    let code: String?
    let detail: String?
    let message: String?
    let errors: [FieldError]?
}

/// Tells how far a transfer is.
private final class TaskObserver: NSObject, URLSessionTaskDelegate, @unchecked Sendable {
    private let progress: PresignClient.Progress
    private var observation: NSKeyValueObservation?

    init(_ progress: @escaping PresignClient.Progress) {
        self.progress = progress
    }

    func urlSession(_ session: URLSession, didCreateTask task: URLSessionTask) {
        let told = progress
        observation = task.progress.observe(\.fractionCompleted) { found, _ in told(found.fractionCompleted) }
    }
}

/// Bytes of a file, and their MD5 digest in Base64.
private func md5(of file: URL) throws -> (Int, String) {
    let handle = try FileHandle(forReadingFrom: file)
    defer { try? handle.close() }
    var digest = Insecure.MD5()
    var size = 0
    while let chunk = try handle.read(upToCount: 1 << 20), !chunk.isEmpty {
        digest.update(data: chunk)
        size += chunk.count
    }
    return (size, Data(digest.finalize()).base64EncodedString())
}

private func retryAfter(_ response: URLResponse) -> Double {
    (response as? HTTPURLResponse)?.value(forHTTPHeaderField: "Retry-After").flatMap(Double.init) ?? 0
}

/// The text of an element of an error of Object Storage, which has neither attributes nor elements inside.
private func element(_ name: String, in text: String) -> String? {
    guard let start = text.range(of: "<\(name)>"), let end = text.range(of: "</\(name)>"),
        start.upperBound <= end.lowerBound
    else { return nil }
    return String(text[start.upperBound..<end.lowerBound])
}
