import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Is told how many bytes have gone, and how many there are. The first number falls when bytes are sent again.
public typealias TransferProgress = @Sendable (_ done: Int, _ total: Int) -> Void

/// Is told how many bytes of a body have gone.
typealias Sent = @Sendable (Int) -> Void

/// The answer of a server.
struct Answer: Sendable {
    let response: HTTPURLResponse
    let body: Data

    var status: Int { response.statusCode }

    func header(_ name: String) -> String? { response.value(forHTTPHeaderField: name) }

    /// The seconds that it asks to wait, as a number or as a date (RFC 9110, 10.2.3).
    var retryAfterSeconds: Double {
        guard let told = header("Retry-After")?.trimmingCharacters(in: .whitespaces), !told.isEmpty else { return 0 }
        if told.allSatisfy({ $0.isASCII && $0.isNumber }) { return min(Double(told) ?? 0, Self.mostSeconds) }
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        return min(max(0, format.date(from: told)?.timeIntervalSinceNow ?? 0), Self.mostSeconds)
    }

    private static let mostSeconds = 31_536_000.0

    var json: [String: Any]? { (try? JSONSerialization.jsonObject(with: body)) as? [String: Any] }
}

/// Sends requests with `URLSession`, and ends those that make no progress.
final class Transport: Sendable {
    private let delegate = Delegate()
    private let session: URLSession
    private let timeoutSeconds: Double
    private let reached = Hosts()

    init(configuration: URLSessionConfiguration, timeoutSeconds: Double) {
        configuration.urlCache = nil
        configuration.httpShouldSetCookies = false
        configuration.httpCookieAcceptPolicy = .never
        session = URLSession(configuration: configuration, delegate: delegate, delegateQueue: nil)
        self.timeoutSeconds = timeoutSeconds
    }

    deinit {
        session.finishTasksAndInvalidate()
    }

    /// Send a request, and read the whole answer.
    /// - Parameters:
    ///   - body: of the request.
    ///   - receiver: gets the bytes of an answer of success in place of `Answer.body`.
    ///   - waitSeconds: how long the answer may take, if that is more than a connection may be idle.
    ///   - sent: is told how many bytes of the body have gone.
    func send(
        _ request: URLRequest, body: Data? = nil, to server: Server, receiver: Receiver? = nil, waitSeconds: Double = 0,
        sent: Sent? = nil
    ) async throws -> Answer {
        // A proxy may take the bytes at once, and pass them on slowly.
        let slowly = min(Double(body?.count ?? 0) / 16_384, 3600)
        let patience = max(timeoutSeconds + slowly, waitSeconds)
        var request = request
        request.timeoutInterval = patience + 10  // the watch below comes first
        request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
        // Without a body, these two must say that it has no bytes.
        let body = body ?? (["PUT", "POST"].contains(request.httpMethod) ? Data() : nil)
        let task = body.map { session.uploadTask(with: request, from: $0) } ?? session.dataTask(with: request)
        let exchange = Exchange(bodySize: body?.count ?? 0, receiver: receiver, sent: sent)
        delegate.add(exchange, for: task)
        let watch = Task {
            while true {
                try await Task.sleep(nanoseconds: 100_000_000)
                if exchange.idleSeconds > (exchange.isSending ? timeoutSeconds : patience) {
                    exchange.fail(URLError(.timedOut))
                    task.cancel()
                }
            }
        }
        defer {
            watch.cancel()
            delegate.remove(task)
        }
        let host = request.url?.host ?? ""
        do {
            let answer = try await withTaskCancellationHandler {
                try await exchange.finished { task.resume() }
            } onCancel: {
                exchange.fail(CancellationError())
                task.cancel()
            }
            reached.add(host)
            if (300..<400).contains(answer.status) { throw PresignError.redirected(by: server) }
            return answer
        } catch let error as URLError {
            throw PresignError.connectionFailed(host, error, wasReached: reached.contains(host))
        }
    }
}

/// The hosts that have answered. The name of another one may be wrong.
private final class Hosts: @unchecked Sendable {
    private let lock = NSLock()
    private var names: Set<String> = []

    func contains(_ name: String) -> Bool { lock.withLock { names.contains(name) } }

    func add(_ name: String) { lock.withLock { _ = names.insert(name) } }
}
