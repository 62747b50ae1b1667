import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// One upload in parts.
protocol Parts: Sendable {
    var via: String { get }

    /// Begin it: its id, and the bytes that each part but the last has.
    func begin(_ size: Int) async throws -> (uploadID: String, partBytes: Int)

    /// Send a part: its ETag.
    func send(_ uploadID: String, _ number: Int, _ body: Data, sent: @escaping Sent) async throws -> String

    /// Join the parts, whose ETags these are.
    func complete(_ uploadID: String, _ etags: [String]) async throws

    /// Drop it and its parts.
    func abort(_ uploadID: String) async throws

    /// Whether there is no such upload (any more), or not all of its parts.
    func isGone(_ error: PresignError) -> Bool
}

/// An upload of the S3 API, with a URL for each step.
struct S3Parts: Parts, @unchecked Sendable {
    let client: PresignClient
    let key: String
    let description: [String: Any]
    let via = "s3"

    func begin(_ size: Int) async throws -> (uploadID: String, partBytes: Int) {
        let url = try await sign("create_multipart_upload", description)
        let partBytes = try url.partBytes(size, default: 5 << 20)
        guard let id = try await client.use(url, Data()).xml().texts["UploadId"] else {
            throw PresignError.foreignAnswer(.store)
        }
        return (id, partBytes)
    }

    func send(_ uploadID: String, _ number: Int, _ body: Data, sent: @escaping Sent) async throws -> String {
        var options: [String: Any] = ["upload_id": uploadID, "part_number": number, "content_length": body.count]
        options["content_md5"] = contentMD5(body)
        // Each attempt has a URL of its own, so that it does not matter how long the one before took.
        return try await client.use(try await sign("upload_part", options), body, sent: sent).etag()
    }

    func complete(_ uploadID: String, _ etags: [String]) async throws {
        let listed = etags.enumerated().map { index, etag in
            let escaped = etag.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
            return "<Part><PartNumber>\(index + 1)</PartNumber><ETag>\(escaped)</ETag></Part>"
        }
        let document = Data("<CompleteMultipartUpload>\(listed.joined())</CompleteMultipartUpload>".utf8)
        let url = try await sign("complete_multipart_upload", ["upload_id": uploadID])
        let answer = try await client.use(url, document, waitSeconds: PresignClient.completionSeconds)
        guard try answer.xml().texts["ETag"] != nil else { throw PresignError.foreignAnswer(.store) }
    }

    func abort(_ uploadID: String) async throws {
        _ = try await client.use(try await sign("abort_multipart_upload", ["upload_id": uploadID]))
    }

    func isGone(_ error: PresignError) -> Bool {
        ["NoSuchUpload", "InvalidPart"].contains(error.code)
    }

    private func sign(_ operation: String, _ options: [String: Any]) async throws -> PresignedURL {
        try await client.api.presign(operation, options.merging(["key": key]) { $1 }, via: client.api.via == nil ? nil : via)
    }
}

/// An upload of the native API by one pre-authenticated request, as Oracle documents in "Pre-Authenticated Request Object
/// URLs in Object Storage", "Putting a Large Object". Its id is a URL: with it anybody can add parts and join them.
struct PARParts: Parts, @unchecked Sendable {
    let client: PresignClient
    let key: String
    let description: [String: Any]
    let via = "par"

    func begin(_ size: Int) async throws -> (uploadID: String, partBytes: Int) {
        let url = try await client.api.presign("put_object", description.merging(["key": key]) { $1 }, via: via)
        let partBytes = try url.partBytes(size, default: 16 << 20)
        let answer = try await client.use(url, Data(), headers: ["opc-multipart": "true"])
        guard let path = answer.json?["accessUri"] as? String, path.hasPrefix("/p/"), path.hasSuffix("/"),
            let upload = URL(string: path, relativeTo: url.url)
        else { throw PresignError.foreignAnswer(.store) }
        return (upload.absoluteString, partBytes)
    }

    func send(_ uploadID: String, _ number: Int, _ body: Data, sent: @escaping Sent) async throws -> String {
        var request = try request("PUT", "\(uploadID)\(number)")
        request.setValue(contentMD5(body), forHTTPHeaderField: "Content-MD5")
        return try await client.use(request, body, sent: sent).etag()
    }

    func complete(_ uploadID: String, _ etags: [String]) async throws {
        let request = try request("POST", uploadID)
        _ = try await client.use(request, Data(), waitSeconds: PresignClient.completionSeconds).etag()
    }

    func abort(_ uploadID: String) async throws {
        _ = try await client.use(try request("DELETE", uploadID))
    }

    func isGone(_ error: PresignError) -> Bool {
        error.fromStore && [401, 404].contains(error.status)
    }

    private func request(_ method: String, _ text: String) throws -> URLRequest {
        guard let url = URL(string: text), url.isSecure else { throw PresignError.foreignAnswer(.store) }
        var request = URLRequest(url: url, cachePolicy: .reloadIgnoringLocalCacheData)
        request.httpMethod = method
        return request
    }
}

extension PresignedURL {
    /// The size of each part of an upload but the last.
    /// - Throws: `limit_exceeded`.
    fileprivate func partBytes(_ size: Int, default least: Int) throws -> Int {
        if let maxBytes, size > maxBytes {
            let error = FieldError(pointer: "/content_length", detail: "must be at most \(maxBytes)")
            throw PresignError("limit_exceeded", "The file is larger than is allowed.", status: 403, errors: [error])
        }
        let (maxParts, least) = (maxParts ?? 10_000, partBytes ?? least)
        guard maxParts > 0, least > 0 else { throw PresignError.foreignAnswer(.api) }
        return max(least, (size - 1) / maxParts + 1)
    }
}
