import Foundation

/// The state of an upload in parts. It is kept in a file, if there is one.
final class UploadState: @unchecked Sendable {
    struct Part: Codable {
        let fingerprint: String
        let etag: String
    }

    private struct Values: Codable {
        var of: String
        var via: String
        var uploadID: String
        var partBytes: Int
        var parts: [Int: Part] = [:]
        var isCompleting = false
    }

    private static let possiblePartBytes = (5 << 20)...(50 << 30)

    private let file: URL?
    private var values: Values?
    /// Whether a later call can go on with it.
    private(set) var isKept: Bool

    /// - Parameter identity: of the upload; another one's values are ignored. Any is taken if it is nil.
    init(_ file: URL?, identity: String?) {
        self.file = file
        isKept = file != nil
        guard let file, let data = try? Data(contentsOf: file),
            let found = try? JSONDecoder().decode(Values.self, from: data), Self.isWhole(found)
        else { return }
        values = identity == nil || identity?.isSame(as: found.of) == true ? found : nil
    }

    private static func isWhole(_ values: Values) -> Bool {
        let isID = !values.uploadID.isEmpty && values.uploadID.utf8.allSatisfy { (33...126).contains($0) }
        let isURL = values.via == "par" && URL(string: values.uploadID)?.isSecure == true
        return (isURL || values.via == "s3" && isID) && possiblePartBytes.contains(values.partBytes)
    }

    var via: String? { values?.via }
    var uploadID: String? { values?.uploadID }
    var partBytes: Int { values?.partBytes ?? 1 }
    var isCompleting: Bool { values?.isCompleting ?? false }

    func part(_ number: Int) -> Part? { values?.parts[number] }

    func begin(_ identity: String, via: String, uploadID: String, partBytes: Int) throws {
        values = Values(of: identity, via: via, uploadID: uploadID, partBytes: partBytes)
        isKept = false
        try save()
        isKept = file != nil
    }

    func add(_ number: Int, _ part: Part) throws {
        values?.parts[number] = part
        try save()
    }

    func complete() throws {
        values?.isCompleting = true
        try save()
    }

    /// Go on with nothing. The file stays until another upload begins.
    func ignore() {
        values = nil
    }

    func forget() {
        ignore()
        if let file { try? FileManager.default.removeItem(at: file) }
    }

    private func save() throws {
        guard let file else { return }
        do {
            try JSONEncoder().encode(values).write(to: file, options: .atomic)
        } catch {
            throw PresignError.unwritableFile
        }
    }
}
