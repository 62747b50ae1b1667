import Foundation
import XCTest

@testable import PresignClient
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

let mib = 1 << 20

/// Where rules give presigned URLs, and where they give pre-authenticated requests.
let prefixes = ["s3/", "par/"]

func endpoint() throws -> URL { URL(string: try variable("PRESIGN_ENDPOINT"))! }

func token() throws -> String { try variable("PRESIGN_TOKEN") }

/// Of a server that takes connections, and no byte.
func deafEndpoint() throws -> URL { URL(string: try variable("DEAF_URL"))! }

private func variable(_ name: String) throws -> String {
    guard let value = ProcessInfo.processInfo.environment[name] else {
        throw XCTSkip("There is no local system: make check starts one.")
    }
    return value
}

/// The system that `make check` starts for these tests.
func localClient(
    via: String? = nil, token: (@Sendable (Bool) async throws -> String)? = nil
) throws -> PresignClient {
    let valid = try PresignClientTests.token()
    return try PresignClient(
        endpoint: try endpoint(), via: via, attempts: 3, pause: { _ in }, token: token ?? { _ in valid })
}

/// A client of the function and the store that answer as nothing should.
func hostileClient(
    attempts: Int = 3, timeoutSeconds: Double = 60,
    via: String? = nil, token: @escaping @Sendable (Bool) async throws -> String = { _ in "secret-token" },
    pause: @escaping @Sendable (Double) async throws -> Void = { _ in }
) throws -> PresignClient {
    let endpoint = URL(string: try variable("HOSTILE_URL") + "/v1/presign")!
    return try PresignClient(
        endpoint: endpoint, via: via, attempts: attempts, timeoutSeconds: timeoutSeconds, pause: pause, token: token)
}

/// How many requests the hostile server has seen.
func seen(_ path: String) async throws -> Int {
    let (text, _) = try await URLSession.shared.data(from: URL(string: try variable("HOSTILE_URL") + "/seen/\(path)")!)
    return Int(String(decoding: text, as: UTF8.self)) ?? -1
}

/// The failure of a call, which shows nothing secret.
func failure(_ line: UInt = #line, _ call: () async throws -> Void) async throws -> PresignError {
    do {
        try await call()
    } catch let error as PresignError {
        let shown = "\(error) \(error.localizedDescription)"
        for secret in ["X-Amz-", "secret-token", "/object"] {
            XCTAssertFalse(shown.contains(secret), shown, line: line)
        }
        return error
    }
    XCTFail("It did not fail.", line: line)
    throw CancellationError()
}

/// A folder that is gone after the test.
class FolderTestCase: XCTestCase {
    private(set) var folder = URL(fileURLWithPath: "/")

    override class func setUp() {
        setvbuf(stdout, nil, _IOLBF, 0)  // so that a test that hangs is the last one that is named
    }

    override func setUpWithError() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    }

    override func tearDownWithError() throws {
        try FileManager.default.removeItem(at: folder)
    }

    func path(_ name: String) -> URL { folder.appendingPathComponent(name) }

    /// The names of the files in the folder.
    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder.path))?.sorted() ?? [] }

    /// A file of bytes that are not all the same.
    func made(_ name: String, _ size: Int) throws -> URL {
        let block = Data((0..<251).map { UInt8($0) })
        var bytes = Data(capacity: size + block.count)
        while bytes.count < size { bytes.append(block) }
        try bytes.prefix(size).write(to: path(name))
        return path(name)
    }

    /// The bytes of an object, and the type that it was stored with.
    func read(_ key: String) async throws -> (Data, String?) {
        let (bytes, response) = try await URLSession.shared.data(from: try await localClient().share(key).url)
        return (bytes, (response as? HTTPURLResponse)?.value(forHTTPHeaderField: "Content-Type"))
    }
}

/// Numbers that several threads append to.
final class Told: @unchecked Sendable {
    private let lock = NSLock()
    private var found: [Int] = []

    var all: [Int] { lock.withLock { found } }

    func add(_ value: Int) { lock.withLock { found.append(value) } }
}
