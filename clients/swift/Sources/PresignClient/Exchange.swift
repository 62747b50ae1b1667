import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Takes the bytes of an answer.
protocol Receiver: AnyObject, Sendable {
    /// An answer of success begins.
    func begin(_ response: HTTPURLResponse) throws
    func receive(_ data: Data) throws
}

/// A request and its answer.
final class Exchange: @unchecked Sendable {
    private static let mostBytes = 16 << 20
    /// Fewer bytes in the time of a connection without progress are none: an answer must not come in drops.
    private static let leastBytes = 16_384

    private let lock = NSLock()
    private let bodySize: Int
    private let receiver: Receiver?
    private let sent: Sent?
    private var continuation: CheckedContinuation<Answer, Error>?
    private var response: HTTPURLResponse?
    private var body = Data()
    private var failure: Error?
    private var progressedAt = DispatchTime.now()
    private var bytesSince = 0
    private var bytesSent = 0

    init(bodySize: Int, receiver: Receiver?, sent: Sent?) {
        self.bodySize = bodySize
        self.receiver = receiver
        self.sent = sent
    }

    var idleSeconds: Double {
        lock.withLock { Double(DispatchTime.now().uptimeNanoseconds - progressedAt.uptimeNanoseconds) / 1e9 }
    }

    var isSending: Bool { lock.withLock { response == nil && bytesSent < bodySize } }

    /// The answer, once `start` has sent the request. Nothing is sent if it has failed already.
    func finished(_ start: () -> Void) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            // On Linux it may be that nothing is told of a task that was cancelled before it was resumed.
            let hasFailed = lock.withLock {
                self.continuation = continuation
                if failure == nil { start() }
                return failure != nil
            }
            if hasFailed { end(nil) }
        }
    }

    func sent(_ count: Int) {
        lock.withLock {
            progressedAt = DispatchTime.now()
            bytesSent = count
        }
        sent?(count)
    }

    /// Whether the answer is wanted.
    func begin(_ response: URLResponse) -> Bool {
        guard let response = response as? HTTPURLResponse else { return false }
        lock.withLock { self.response = response }
        guard let receiver, (200..<300).contains(response.statusCode) else { return true }
        return succeeds { try receiver.begin(response) }
    }

    /// Whether more is wanted.
    func receive(_ data: Data) -> Bool {
        lock.withLock {
            bytesSince += data.count
            if bytesSince >= Self.leastBytes {
                bytesSince = 0
                progressedAt = DispatchTime.now()
            }
        }
        if let receiver, let response, (200..<300).contains(response.statusCode) {
            return succeeds { try receiver.receive(data) }
        }
        body.append(data)
        return succeeds { if body.count > Self.mostBytes { throw PresignError.foreignAnswer(.store) } }
    }

    /// Let it end with this error.
    func fail(_ error: Error) {
        lock.withLock { failure = failure ?? error }
    }

    func end(_ error: Error?) {
        let (continuation, response, failure) = lock.withLock {
            defer { self.continuation = nil }
            return (self.continuation, self.response, self.failure)
        }
        if let failure {
            continuation?.resume(throwing: failure)
        } else if let response, error == nil || response.statusCode == 401 {
            continuation?.resume(returning: Answer(response: response, body: body))
        } else {
            continuation?.resume(throwing: error as? URLError ?? URLError(.networkConnectionLost))
        }
    }

    private func succeeds(_ step: () throws -> Void) -> Bool {
        guard lock.withLock({ failure == nil }) else { return false }
        do {
            try step()
            return true
        } catch {
            fail(error)
            return false
        }
    }
}

/// Hands what `URLSession` tells to the exchange that it is about.
final class Delegate: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let lock = NSLock()
    private var exchanges: [Int: Exchange] = [:]

    func add(_ exchange: Exchange, for task: URLSessionTask) {
        lock.withLock { exchanges[task.taskIdentifier] = exchange }
    }

    func remove(_ task: URLSessionTask) {
        lock.withLock { exchanges[task.taskIdentifier] = nil }
    }

    private func exchange(_ task: URLSessionTask) -> Exchange? {
        lock.withLock { exchanges[task.taskIdentifier] }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, didSendBodyData bytesSent: Int64, totalBytesSent: Int64,
        totalBytesExpectedToSend: Int64
    ) {
        exchange(task)?.sent(Int(totalBytesSent))
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }

    #if canImport(FoundationNetworking)
    /// There is no password. On Linux, which asks for one after the answer, the request would wait for it.
    func urlSession(
        _ session: URLSession, task: URLSessionTask, didReceive challenge: URLAuthenticationChallenge,
        completionHandler: @escaping (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
    ) {
        completionHandler(.rejectProtectionSpace, nil)
    }
    #endif

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        completionHandler(exchange(dataTask)?.begin(response) == true ? .allow : .cancel)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        if exchange(dataTask)?.receive(data) != true { dataTask.cancel() }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: Error?) {
        exchange(task)?.end(error)
    }
}
