import Foundation

extension PresignClient {
    /// The objects whose keys begin with `prefix`, in the order of their keys. Each page of them is a request, which is
    /// sent when it is needed.
    /// - Parameter delimiter: keys that are equal up to the first one behind the prefix become one entry.
    public func list(_ prefix: String, delimiter: String? = nil) -> AsyncThrowingStream<Entry, Error> {
        let entries = Entries(self, prefix, delimiter)
        return AsyncThrowingStream { try await entries.next() }
    }
}

/// The entries of a list, which one task reads.
private final class Entries: @unchecked Sendable {
    private let client: PresignClient
    private let prefix: String
    private let delimiter: String?
    private var pages: Pages
    private var read: [Entry] = []

    init(_ client: PresignClient, _ prefix: String, _ delimiter: String?) {
        (self.client, self.prefix, self.delimiter) = (client, prefix, delimiter)
        let isByPAR = client.api.via == "par"
        pages = isByPAR ? PARPages(client, prefix, delimiter) : S3Pages(client, prefix, delimiter)
    }

    func next() async throws -> Entry? {
        while read.isEmpty {
            if pages.isLast { return nil }
            do {
                read = try await pages.next().reversed()
            } catch let error as PresignError where givesPARs(error) && pages is S3Pages {
                pages = PARPages(client, prefix, delimiter)
            }
        }
        return read.removeLast()
    }

    /// Whether the folder may be listed by a pre-authenticated request only.
    private func givesPARs(_ error: PresignError) -> Bool {
        guard client.api.via == nil, !error.fromStore, prefix.contains("/") else { return false }
        return error.wantsPAR || error.code == "access_denied"
    }
}

/// The name that each entry of a list has.
private func named(_ found: String?) throws -> String {
    guard let found else { throw PresignError.foreignAnswer(.store) }
    return found
}

private protocol Pages: AnyObject {
    var isLast: Bool { get }

    func next() async throws -> [Entry]
}

private final class S3Pages: Pages {
    private let client: PresignClient
    private var options: [String: Any]
    private(set) var isLast = false

    init(_ client: PresignClient, _ prefix: String, _ delimiter: String?) {
        self.client = client
        options = ["prefix": prefix]
        options["delimiter"] = delimiter
    }

    func next() async throws -> [Entry] {
        let answer = try await client.retry {
            try await client.use(try await client.api.presign("list_objects_v2", options))
        }
        let page = try answer.xml()
        guard page.root == "ListBucketResult" else { throw PresignError.foreignAnswer(.store) }
        let token = page.texts["NextContinuationToken"]
        isLast = page.texts["IsTruncated"] != "true"
        let isNew = token?.isSame(as: options["continuation_token"] as? String) == false
        guard isLast || isNew else { throw PresignError.foreignAnswer(.store) }
        options["continuation_token"] = token
        return try page.records.compactMap { record in
            let fields = record.fields
            switch record.name {
            case "Contents":
                return Entry(
                    key: try named(fields["Key"]), isPrefix: false, size: Int(fields["Size"] ?? "") ?? 0,
                    modifiedAt: fields["LastModified"] ?? "")
            case "CommonPrefixes":
                return Entry(key: try named(fields["Prefix"]), isPrefix: true, size: 0, modifiedAt: "")
            default:
                return nil
            }
        }.sorted { $0.key < $1.key }
    }
}

/// Pages of a folder that a pre-authenticated request lets its holder list.
private final class PARPages: Pages {
    private let client: PresignClient
    private let folder: String
    private var query: [URLQueryItem]
    private var url: PresignedURL?
    private var start: String?
    private(set) var isLast = false

    init(_ client: PresignClient, _ prefix: String, _ delimiter: String?) {
        self.client = client
        folder = prefix.lastIndex(of: "/").map { String(prefix[...$0]) } ?? prefix
        query = [("prefix", prefix), ("fields", "name,size,timeModified")].map { URLQueryItem(name: $0, value: $1) }
        if let delimiter { query.append(URLQueryItem(name: "delimiter", value: delimiter)) }
    }

    func next() async throws -> [Entry] {
        let page = try await client.retry { try await read() }
        guard let objects = page["objects"] as? [[String: Any]] else { throw PresignError.foreignAnswer(.store) }
        let following = page["nextStartWith"] as? String ?? ""
        isLast = following.isEmpty
        guard isLast || !following.isSame(as: start) else { throw PresignError.foreignAnswer(.store) }
        start = following
        let entries = try objects.map {
            Entry(
                key: try named($0["name"] as? String), isPrefix: false, size: $0["size"] as? Int ?? 0,
                modifiedAt: $0["timeModified"] as? String ?? "")
        }
        let prefixes = page["prefixes"] as? [String] ?? []
        let common = prefixes.map { Entry(key: $0, isPrefix: true, size: 0, modifiedAt: "") }
        return (entries + common).sorted { $0.key < $1.key }
    }

    private func read() async throws -> [String: Any] {
        if url == nil {
            url = try await client.api.presign("get_prefix", ["prefix": folder, "listing": true])
        }
        guard var request = url?.request, let full = request.url,
            var address = URLComponents(url: full, resolvingAgainstBaseURL: false),
            let root = address.percentEncodedPath.range(of: "^/p/[^/]+/n/[^/]+/b/[^/]+/o/", options: .regularExpression)
        else { throw PresignError.foreignAnswer(.api) }
        address.percentEncodedPath = String(address.percentEncodedPath[root])
        address.queryItems = query + (start.map { [URLQueryItem(name: "start", value: $0)] } ?? [])
        // A plus would be read as a space.
        address.percentEncodedQuery = address.percentEncodedQuery?.replacingOccurrences(of: "+", with: "%2B")
        request.url = address.url
        do {
            guard let page = try await client.use(request).json else { throw PresignError.foreignAnswer(.store) }
            return page
        } catch let error as PresignError where error.refusesURL {
            url = nil
            throw error
        }
    }
}
