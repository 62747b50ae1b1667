import Foundation

/// The file to upload.
final class Source: @unchecked Sendable {
    let file: URL
    let size: Int
    /// Digest of the whole file.
    let digest: WholeDigest
    private let modified: Date

    private static let chunkBytes = 1 << 20

    init(_ file: URL) throws {
        let (size, modified) = try Self.attributes(of: file)
        var digest = WholeDigest()
        for start in stride(from: 0, to: size, by: Self.chunkBytes) {
            try Task.checkCancellation()
            digest.update(try Self.read(file, start, min(Self.chunkBytes, size - start)))
        }
        self.file = file
        self.size = size
        self.modified = modified
        self.digest = digest
    }

    static func size(of file: URL) throws -> Int {
        try attributes(of: file).0
    }

    /// Some bytes of the file.
    func read(_ start: Int, _ count: Int) throws -> Data {
        try Self.read(file, start, count)
    }

    func checkUnchanged() throws {
        let (size, modified) = try Self.attributes(of: file)
        guard size == self.size, modified == self.modified else { throw PresignError.changedFile }
    }

    private static func read(_ file: URL, _ start: Int, _ count: Int) throws -> Data {
        guard count > 0 else { return Data() }
        guard let handle = try? FileHandle(forReadingFrom: file) else { throw PresignError.unreadableFile }
        defer { try? handle.close() }
        let data: Data?
        do {
            try handle.seek(toOffset: UInt64(start))
            data = try handle.read(upToCount: count)
        } catch {
            throw PresignError.unreadableFile
        }
        guard let data, data.count == count else { throw PresignError.changedFile }
        return data
    }

    private static func attributes(of file: URL) throws -> (Int, Date) {
        let path = file.resolvingSymlinksInPath().path
        guard file.isLocal, let found = try? FileManager.default.attributesOfItem(atPath: path),
            found[.type] as? FileAttributeType == .typeRegular, FileManager.default.isReadableFile(atPath: path),
            let size = found[.size] as? NSNumber, let modified = found[.modificationDate] as? Date
        else { throw PresignError.unreadableFile }
        return (size.intValue, modified)
    }
}

/// Tells bytes from others. It finds what changed by accident, on all systems: FNV-1a, eight bytes at a time.
struct Fingerprint {
    private var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    private var rest = Data()

    private static let prime: UInt64 = 0x0000_0100_0000_01b3

    mutating func update(_ data: Data) {
        let all = rest.isEmpty ? data : rest + data
        let whole = all.count - all.count % 8
        var hash = hash
        all.withUnsafeBytes { bytes in
            for offset in stride(from: 0, to: whole, by: 8) {
                hash = (hash ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) &* Self.prime
                hash ^= hash >> 32
            }
        }
        self.hash = hash
        rest = Data(all.suffix(all.count - whole))
    }

    var text: String { String(rest.reduce(hash) { ($0 ^ UInt64($1)) &* Self.prime }, radix: 16) }

    static func of(_ data: Data) -> String {
        var made = Fingerprint()
        made.update(data)
        return made.text
    }
}
