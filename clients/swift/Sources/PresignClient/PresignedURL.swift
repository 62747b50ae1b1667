import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// A URL and how to use it: send `method` to `url` with exactly these `headers`.
public struct PresignedURL: Sendable {
    public let url: URL
    public let method: String
    public let headers: [String: String]
    /// RFC 3339.
    public let expiresAt: String
    public let bucket: String
    /// `s3`, or `par` for a pre-authenticated request.
    public let via: String
    /// Of a pre-authenticated request, which `revoke` takes back; nil for another URL.
    public let id: String?

    /// Of the answer that begins an upload in parts; sizes are in bytes.
    let partBytes: Int?
    let maxParts: Int?
    let maxBytes: Int?

    init(_ answer: [String: Any]) throws {
        guard let text = answer["url"] as? String, let url = URL(string: text), url.isSecure,
            let method = answer["method"] as? String, let headers = answer["headers"] as? [String: String],
            let expiresAt = answer["expires_at"] as? String, let bucket = answer["bucket"] as? String
        else { throw PresignError.foreignAnswer(.api) }
        self.url = url
        self.method = method
        self.headers = headers
        self.expiresAt = expiresAt
        self.bucket = bucket
        via = answer["via"] as? String ?? "s3"
        id = answer["id"] as? String
        partBytes = answer["part_size"] as? Int
        maxParts = answer["max_parts"] as? Int
        maxBytes = answer["max_content_length"] as? Int
    }

    /// The request that uses it. `URLSession` sends the length itself.
    public var request: URLRequest {
        var request = URLRequest(url: url, cachePolicy: .reloadIgnoringLocalCacheData)
        request.httpMethod = method
        for (name, value) in headers where !["content-length", "host"].contains(name.lowercased()) {
            request.setValue(value, forHTTPHeaderField: name)
        }
        return request
    }
}

extension URL {
    /// Whether it names a file: by the scheme `file`, or by its path alone.
    var isLocal: Bool { isFileURL || scheme == nil }

    /// Whether it protects what is sent: by HTTPS, or since it does not leave this machine.
    var isSecure: Bool {
        guard let host = host?.lowercased(), !host.isEmpty else { return false }
        let scheme = scheme?.lowercased()
        if scheme == "https" { return true }
        let isLocal = host == "localhost" || host == "::1" || host == "[::1]" || host.isLoopbackAddress
        return scheme == "http" && isLocal
    }

    /// The URL of the API, without slashes at its end.
    func asEndpoint() throws -> URL {
        guard isSecure else {
            let message = "The endpoint must be a URL that begins with https://; http:// is for this machine only."
            throw PresignError("invalid_argument", message)
        }
        guard query == nil, fragment == nil, user == nil else {
            let message = "The endpoint must be a URL without a query, a fragment and a user."
            throw PresignError("invalid_argument", message)
        }
        let path = absoluteString.reversed().drop { $0 == "/" }.reversed()
        guard (1...65_535).contains(port ?? 443), let url = URL(string: String(path)) else {
            throw PresignError("invalid_argument", "The endpoint has a port or characters that no URL has.")
        }
        return url
    }
}

extension String {
    fileprivate var isLoopbackAddress: Bool {
        let numbers = split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
    }
}
