import Foundation

/// An error in one field of a request.
public struct FieldError: Sendable, Equatable {
    /// JSON pointer of the field.
    public let pointer: String
    /// Says what is wrong with it.
    public let detail: String
}

/// The operation failed. No message holds a URL, a signature or a token.
public struct PresignError: LocalizedError, Sendable {
    /// Code of the problem that the function told (`access_denied`, …), of the error that Object Storage told
    /// (`NoSuchKey`, …), `http_502` and the like where an answer has no code, or one of this client: `unauthorized`,
    /// `wrong_endpoint`, `payload_too_large`, `wrong_media_type`, `connection_failed`, `foreign_answer`, `redirected`,
    /// `no_token`, `invalid_argument`, `unreadable_file`, `unwritable_file`, `changed`, `checksum_mismatch`,
    /// `not_revocable`.
    public let code: String
    /// A sentence for people.
    public let message: String
    /// Status of the answer, 0 if there was none.
    public let status: Int
    /// The fields that are wrong, or the limits that were exceeded.
    public let errors: [FieldError]
    /// Whether Object Storage answered so, not the function.
    public let fromStore: Bool
    /// How long the server asks to wait before another attempt, 0 if it does not say.
    public let retryAfterSeconds: Double

    /// Whether the host's name has no address, and never had one here. So it may be wrong.
    let isUnknownHost: Bool

    init(
        _ code: String, _ message: String, status: Int = 0, errors: [FieldError] = [], fromStore: Bool = false,
        retryAfterSeconds: Double = 0, isUnknownHost: Bool = false
    ) {
        self.code = code
        self.message = message
        self.status = status
        self.errors = errors
        self.fromStore = fromStore
        self.retryAfterSeconds = retryAfterSeconds
        self.isUnknownHost = isUnknownHost
    }

    public var errorDescription: String? { message }

    /// Whether the same request may succeed later.
    public var passes: Bool {
        if code == "connection_failed" || [408, 429, 502, 503, 504].contains(status) { return true }
        // The last two say that a body does not have the digest that was sent with it.
        return fromStore && (status >= 500 || ["BadDigest", "UnmatchedContentMD5"].contains(code))
    }

    /// Whether a rule allows the request by a pre-authenticated request only, which can bind less.
    var wantsPAR: Bool {
        let unbound: Set = ["/operation", "/content_length", "/content_md5"]
        return !fromStore && status == 400 && !errors.isEmpty && errors.allSatisfy { unbound.contains($0.pointer) }
    }

    /// Whether Object Storage refuses the URL itself: it has expired, or was revoked.
    var refusesURL: Bool {
        guard fromStore && code != "foreign_answer" else { return false }
        return [401, 403].contains(status) || code == "NotAuthorizedOrNotFound"
    }
}

enum Server: String {
    case api = "the API"
    case store = "Object Storage"
}

extension PresignError {
    static let changedFile = PresignError("changed", "The file was changed while it was uploaded.")
    static let unreadableFile = PresignError("unreadable_file", "The file can't be read.")
    static let unwritableFile = PresignError("unwritable_file", "The file can't be written.")

    /// There was no answer. It tells the code of the cause alone, whose text may hold the URL.
    static func connectionFailed(_ host: String, _ cause: URLError, wasReached: Bool) -> PresignError {
        let isUnknown = [.cannotFindHost, .dnsLookupFailed].contains(cause.code)
        return PresignError(
            "connection_failed", "The connection to \(host) failed (\(cause.code.name)).",
            isUnknownHost: isUnknown && !wasReached)
    }

    /// Neither a token nor a file goes to an address that nobody signed.
    static func redirected(by server: Server) -> PresignError {
        let message = "There was a redirect by \(server.rawValue), which is not followed."
        return PresignError("redirected", message, fromStore: server == .store)
    }

    /// The server can't have given this answer.
    static func foreignAnswer(_ server: Server, status: Int = 200, retryAfterSeconds: Double = 0) -> PresignError {
        let from = "a proxy or a firewall may have given it"
        return PresignError(
            "foreign_answer", "The answer, of status \(status), is not one of \(server.rawValue): \(from).",
            status: status, fromStore: server == .store, retryAfterSeconds: retryAfterSeconds)
    }
}

extension URLError.Code {
    fileprivate var name: String {
        switch self {
        case .cannotFindHost: "cannotFindHost"
        case .dnsLookupFailed: "dnsLookupFailed"
        case .cannotConnectToHost: "cannotConnectToHost"
        case .networkConnectionLost: "networkConnectionLost"
        case .notConnectedToInternet: "notConnectedToInternet"
        case .timedOut: "timedOut"
        case .secureConnectionFailed: "secureConnectionFailed"
        case .serverCertificateUntrusted: "serverCertificateUntrusted"
        default: "URLError \(rawValue)"
        }
    }
}
