import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Asks the function for URLs.
struct API: Sendable {
    let endpoint: URL
    let bucket: String?
    let via: String?
    let tokens: Tokens
    let transport: Transport

    /// A URL.
    /// - Parameter via: in place of the client's own.
    func presign(_ operation: String, _ options: [String: Any], via: String? = nil) async throws -> PresignedURL {
        try PresignedURL(try await ask("", request(operation, options, via: via ?? self.via)))
    }

    func request(_ operation: String, _ options: [String: Any], via: String?) -> [String: Any] {
        var request = options
        request["operation"] = operation
        request["bucket"] = bucket
        request["via"] = via
        return request
    }

    /// The function's answer to a document, with another token if it refuses the first.
    func ask(_ path: String, _ document: [String: Any]) async throws -> [String: Any] {
        let token = try await tokens.current()
        let answer = try await send(path, document, token)
        guard answer.status == 401 else { return try answer.document() }
        let renewed = try await tokens.renewed(token)
        guard renewed != token else { return try answer.document() }
        return try await send(path, document, renewed).document()
    }

    private func send(_ path: String, _ document: [String: Any], _ token: String) async throws -> Answer {
        guard JSONSerialization.isValidJSONObject(document) else {
            throw PresignError("invalid_argument", "The options must be values that JSON can hold.")
        }
        var request = URLRequest(url: path.isEmpty ? endpoint : endpoint.appendingPathComponent(path))
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
        let body = try JSONSerialization.data(withJSONObject: document)
        return try await transport.send(request, body: body, to: .api)
    }
}

/// The caller's tokens. When many requests are refused at the same time, one new token is asked for.
actor Tokens {
    private let give: @Sendable (Bool) async throws -> String
    private var renewal: Task<String, Error>?

    init(_ give: @escaping @Sendable (Bool) async throws -> String) {
        self.give = give
    }

    func current() async throws -> String {
        try Self.checked(try await give(false))
    }

    /// Another token than the refused one, or the same if there is no other.
    func renewed(_ refused: String) async throws -> String {
        if let renewal { return try await Self.value(of: renewal) }
        let renewal = Task { [give] in
            defer { self.renewal = nil }
            let found = try Self.checked(try await give(false))
            return found == refused ? try Self.checked(try await give(true)) : found
        }
        self.renewal = renewal
        return try await Self.value(of: renewal)
    }

    /// The token of a renewal. A task that is cancelled waits no longer for it; others may.
    private static func value(of renewal: Task<String, Error>) async throws -> String {
        let found = AsyncThrowingStream<String, Error> { continuation in
            Task {
                continuation.yield(with: await renewal.result)
                continuation.finish()
            }
        }
        for try await token in found { return token }
        throw CancellationError()
    }

    private static func checked(_ token: String) throws -> String {
        guard !token.isEmpty, token.utf8.allSatisfy({ (33...126).contains($0) }) else {
            throw PresignError("no_token", "The token is empty, or has characters that no token has.")
        }
        return token
    }
}

/// Tries again what may succeed later.
struct Retry: Sendable {
    let attempts: Int
    let pause: @Sendable (Double) async throws -> Void

    private static let longestPauseSeconds = 30.0
    /// A server that asks for more is not waited for.
    private static let mostPatienceSeconds = 120.0
    private static let refusalsInARow = 2
    /// Enough for a device that is offline for some seconds.
    private static let unknownHostAttempts = 5

    /// The result of `attempt`, which is repeated with growing pauses; after a refused URL at once: it had expired.
    func callAsFunction<T>(_ attempt: () async throws -> T) async throws -> T {
        var failures = 0
        var refusals = 0
        while true {
            try Task.checkCancellation()
            do {
                return try await attempt()
            } catch let error as PresignError {
                if error.refusesURL && refusals < Self.refusalsInARow {
                    refusals += 1
                    continue
                }
                failures += 1
                let asked = error.retryAfterSeconds
                let most = error.isUnknownHost ? min(attempts, Self.unknownHostAttempts) : attempts
                guard error.passes, failures < most, asked <= Self.mostPatienceSeconds else { throw error }
                let growing = min(0.5 * pow(2, Double(failures - 1)), Self.longestPauseSeconds)
                try await pause(max(growing * Double.random(in: 0.5...1), asked))
            }
        }
    }
}
