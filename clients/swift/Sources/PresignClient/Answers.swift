import Foundation

extension Answer {
    /// The JSON of an answer of the function.
    func document() throws -> [String: Any] {
        guard status == 200 else {
            throw Self.problem(json ?? [:], status: status, retryAfterSeconds: retryAfterSeconds)
        }
        guard let json else { throw PresignError.foreignAnswer(.api) }
        return json
    }

    /// The error that problem details (RFC 9457) tell. They don't show `at`, the place in a batch.
    static func problem(
        _ details: [String: Any], status: Int, retryAfterSeconds: Double = 0, at: String = ""
    ) -> PresignError {
        guard let code = (details["code"] as? String)?.asCode else {
            return gatewayError(details, status: status, retryAfterSeconds: retryAfterSeconds)
        }
        let listed = details["errors"] as? [[String: Any]] ?? []
        let errors = listed.map {
            let pointer = $0["pointer"] as? String ?? ""
            let place = pointer.hasPrefix(at) ? String(pointer.dropFirst(at.count)) : pointer
            return FieldError(pointer: place, detail: $0["detail"] as? String ?? "")
        }
        let told = (details["detail"] ?? details["message"]) as? String
        let message = at.isEmpty ? told : told?.replacingOccurrences(of: "\(at)/", with: "/")
        return PresignError(
            code, message?.harmless ?? "The API refused the request: \(code).", status: status, errors: errors,
            retryAfterSeconds: retryAfterSeconds)
    }

    /// An error of API Gateway, which has a number as its code, or of something before it.
    private static func gatewayError(
        _ details: [String: Any], status: Int, retryAfterSeconds: Double
    ) -> PresignError {
        if let (code, message) = ownErrors[status] {
            return PresignError(code, message, status: status, retryAfterSeconds: retryAfterSeconds)
        }
        guard details["code"] as? Int == status, let message = (details["message"] as? String)?.harmless else {
            return .foreignAnswer(.api, status: status, retryAfterSeconds: retryAfterSeconds)
        }
        return PresignError("http_\(status)", message, status: status, retryAfterSeconds: retryAfterSeconds)
    }

    private static let wrongEndpoint = ("wrong_endpoint", "The API has no such path: the endpoint ends in /v1/presign.")

    /// Codes and sentences for answers that the function did not give. All clients of this project have the same.
    private static let ownErrors = [
        401: ("unauthorized", "The token is missing, expired or not valid: get a new one."),
        404: wrongEndpoint,
        405: wrongEndpoint,
        413: ("payload_too_large", "The request is larger than the API takes: ask for fewer URLs at once."),
        415: ("wrong_media_type", "The API got no JSON: a proxy may have changed the Content-Type."),
    ]

    /// This answer of Object Storage.
    /// - Throws: the error that it tells.
    func succeeded() throws -> Answer {
        let isSuccess = (200..<300).contains(status)
        let xml = body.isEmpty ? nil : XMLAnswer(body)
        // S3 may have sent the status 200 before it finds that it can't join the parts.
        guard !isSuccess || xml?.root == "Error" else {
            let isPage = !body.isEmpty && header("Content-Type")?.hasPrefix("text/html") == true
            if isPage { throw PresignError.foreignAnswer(.store) }
            return self
        }
        let code = ((json?["code"] as? String) ?? (xml?.root == "Error" ? xml?.texts["Code"] : nil))?.asCode
        guard code != nil || body.isEmpty else {
            throw PresignError.foreignAnswer(.store, status: status, retryAfterSeconds: retryAfterSeconds)
        }
        let message = ((json?["message"] as? String) ?? xml?.texts["Message"])?.harmless
        throw PresignError(
            code ?? "http_\(status)", message ?? "Object Storage answered with status \(status).",
            status: isSuccess ? 500 : status, fromStore: true, retryAfterSeconds: retryAfterSeconds)
    }

    /// The ETag, which Object Storage gives each object and each part.
    func etag() throws -> String {
        guard let found = header("ETag"), !found.isEmpty else { throw PresignError.foreignAnswer(.store) }
        return found
    }

    /// The XML that an answer of Object Storage holds.
    func xml() throws -> XMLAnswer {
        guard let found = XMLAnswer(body) else { throw PresignError.foreignAnswer(.store) }
        return found
    }
}

extension String {
    /// Whether it has the same characters. Swift's own `==` takes another normal form of them for the same.
    func isSame(as other: String?) -> Bool { other.map { utf8.elementsEqual($0.utf8) } ?? false }

    fileprivate var asCode: String? {
        let isCode = (1...64).contains(utf8.count) && utf8.allSatisfy { character in
            UInt8(ascii: "0")...UInt8(ascii: "9") ~= character || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= character
                || UInt8(ascii: "a")...UInt8(ascii: "z") ~= character || character == UInt8(ascii: "_")
                || character == UInt8(ascii: ".")
        }
        return isCode ? self : nil
    }

    /// A server's sentence, unless it holds a URL or is none.
    fileprivate var harmless: String? {
        let secrets = ["://", "X-Amz-", "/p/", "Bearer"]
        let isClean = !unicodeScalars.contains(where: CharacterSet.controlCharacters.contains)
        return (1...1000).contains(count) && isClean && !secrets.contains(where: contains) ? self : nil
    }
}
