import Foundation
import XCTest

@testable import PresignClient
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

final class ObjectsTests: FolderTestCase {
    func testObjectsAreListed() async throws {
        let client = try localClient()
        for prefix in prefixes {
            let all = try await collected(client.list("\(prefix)many/"))
            XCTAssertEqual(all.map(\.key), (0...1001).map { prefix + "many/" + String(format: "%04d", $0) })
            let common = try await collected(client.list("\(prefix)folders/", delimiter: "/"))
            XCTAssertEqual(common.map(\.key), ["\(prefix)folders/a & b/", "\(prefix)folders/c"])
            XCTAssertEqual(common.map(\.isPrefix), [true, false])
            let only = try await collected(client.list("\(prefix)folders/c"))
            XCTAssertEqual(only.map(\.size), [5])
            XCTAssertEqual(only.first?.modifiedAt.hasPrefix("20"), true)
            let none = try await collected(client.list("\(prefix)nothing/"))
            XCTAssertEqual(none, [])
        }
    }

    func testTheSizeOfAnObjectIsTold() async throws {
        for prefix in prefixes {
            let size = try await localClient().size("\(prefix)folders/c")
            XCTAssertEqual(size, 5)
            let none = try await localClient().size("\(prefix)none")
            XCTAssertNil(none)
        }
    }

    func testADownloadThatFailsLeavesTheFileAsItWas() async throws {
        try "before".write(to: path("a"), atomically: true, encoding: .utf8)
        for (prefix, code) in [("s3/", "NoSuchKey"), ("par/", "ObjectNotFound")] {
            let error = try await failure { try await localClient().download("\(prefix)none", to: path("a")) }
            XCTAssertEqual(error.code, code)
            XCTAssertEqual(error.status, 404)
            XCTAssertTrue(error.fromStore)
            XCTAssertEqual(try String(contentsOf: path("a"), encoding: .utf8), "before")
            XCTAssertEqual(names, ["a"])
        }
    }

    func testAFileMayHaveEachNameThatTheFileSystemTakes() async throws {
        for name in [String(repeating: "é", count: 127), String(repeating: "x", count: 255), "a\nb", "+%41 '\"\u{2028}"] {
            try await localClient().download("s3/folders/c", to: path(name))
            XCTAssertEqual(try String(contentsOf: path(name), encoding: .utf8), "hello")
        }
        let before = names
        let web = try XCTUnwrap(URL(string: "https://example.com\(folder.path)/a"))
        for file in [web, folder, URL(fileURLWithPath: "/"), path(String(repeating: "x", count: 256))] {
            let error = try await failure { try await localClient().download("s3/folders/c", to: file) }
            XCTAssertEqual(error.code, "unwritable_file")
        }
        XCTAssertEqual(names, before)
    }

    func testOnlyADigestIsComparedWithTheBytes() throws {
        let url = try XCTUnwrap(URL(string: "https://example.com/"))
        for (told, digest) in [
            ("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
            ("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", nil), ("", nil), ("YQ==", nil),
        ] {
            let headers = ["x-amz-meta-sha256": told]
            let made = HTTPURLResponse(url: url, statusCode: 200, httpVersion: nil, headerFields: headers)
            XCTAssertEqual(toldDigest(try XCTUnwrap(made)), digest)
        }
    }

    func testACancelledDownloadLeavesNothing() async throws {
        let client = try localClient()
        try await client.upload(made("large", 15 * mib), key: "s3/down", contentType: "text/plain")
        let copy = path("copy")
        let told = Told()
        let task = Task {
            try await client.download("s3/down", to: copy) { done, _ in
                told.add(done)
                Thread.sleep(forTimeInterval: 0.01)
            }
        }
        while told.all.isEmpty { try await Task.sleep(nanoseconds: 1_000_000) }
        task.cancel()
        do {
            try await task.value
            XCTFail("It was not cancelled.")
        } catch is CancellationError {}
        XCTAssertEqual(names, ["large"])
        let error = try await failure { try await client.download("s3/folders/c", to: path("none/a")) }
        XCTAssertEqual(error.code, "unwritable_file")
    }

    func testAnObjectIsCopiedAndDeleted() async throws {
        let client = try localClient()
        try await client.copy("s3/folders/c", to: "users/alice/copy")
        let (bytes, _) = try await read("users/alice/copy")
        XCTAssertEqual(String(decoding: bytes, as: UTF8.self), "hello")
        try await client.delete("users/alice/copy")
        try await client.delete("users/alice/copy")
        let size = try await client.size("users/alice/copy")
        XCTAssertNil(size)
    }

    func testALinkIsSharedAndTakenBack() async throws {
        let client = try localClient()
        let shared = try await client.share("par/folders/c", expiresInSeconds: 600, saveAs: "ü.txt")
        let (bytes, response) = try await URLSession.shared.data(from: shared.url)
        XCTAssertEqual(String(decoding: bytes, as: UTF8.self), "hello")
        let disposition = (response as? HTTPURLResponse)?.value(forHTTPHeaderField: "Content-Disposition")
        XCTAssertEqual(disposition?.contains("UTF-8''%C3%BC.txt"), true)
        XCTAssertNotNil(shared.id)
        try await client.revoke(shared)
        let (_, refused) = try await URLSession.shared.data(from: shared.url)
        XCTAssertEqual((refused as? HTTPURLResponse)?.statusCode, 401)
        let again = try await failure { try await client.revoke(shared) }
        XCTAssertEqual(again.code, "not_found")
        let other = try await client.share("par/folders/c")
        try await client.revoke(id: XCTUnwrap(other.id))
        let (_, gone) = try await URLSession.shared.data(from: other.url)
        XCTAssertEqual((gone as? HTTPURLResponse)?.statusCode, 401)
        let signed = try await failure { try await client.revoke(try await client.share("s3/folders/c")) }
        XCTAssertEqual(signed.code, "not_revocable")
        let message = #"A presigned URL can't be taken back; one that was asked for with via: "par" can."#
        XCTAssertEqual(signed.message, message)
        let url = try await failure { try await client.revoke(id: shared.url.absoluteString) }
        XCTAssertEqual(url.code, "invalid_argument")
    }

    func testLinksComeInBatches() async throws {
        for prefix in prefixes {
            let keys = (0...44).map { prefix + "many/" + String(format: "%04d", $0) }
            let links = try await localClient().shareAll(keys + ["elsewhere", "\(prefix)../a"])
            XCTAssertEqual(links.count, 47)
            XCTAssertThrowsError(try links["\(prefix)../a"]?.get()) { error in
                let invalid = error as? PresignError
                XCTAssertEqual(invalid?.errors.map(\.pointer), ["/key"])
                XCTAssertEqual(
                    invalid?.message, "The request is not valid: /key must not have a '.' or '..' segment.")
            }
            XCTAssertThrowsError(try links["elsewhere"]?.get()) { error in
                XCTAssertEqual((error as? PresignError)?.code, "access_denied")
            }
            for key in keys { XCTAssertNoThrow(try links[key]?.get()) }
            let (bytes, _) = try await URLSession.shared.data(from: XCTUnwrap(try links[keys[44]]?.get().url))
            XCTAssertEqual(String(decoding: bytes, as: UTF8.self), "hello")
        }
    }

    func testKeysThatDifferInTheirNormalFormGetNoLinksOfEachOther() async throws {
        let (composed, decomposed) = ("s3/\u{e9}", "s3/e\u{301}")
        let error = try await failure { _ = try await localClient().shareAll([composed, decomposed]) }
        XCTAssertEqual(error.code, "invalid_argument")
        let links = try await localClient().shareAll([composed, composed])
        XCTAssertEqual(links.count, 1)
    }

    func testManyRefusedTokensAreRenewedOnce() async throws {
        let valid = ProcessInfo.processInfo.environment["PRESIGN_TOKEN"] ?? ""
        let refreshed = Told()
        let client = try localClient { refresh in
            if refresh { refreshed.add(1) }
            return refreshed.all.isEmpty ? "expired" : valid
        }
        let sizes = try await withThrowingTaskGroup(of: Int?.self) { group in
            for _ in 0..<20 { group.addTask { try await client.size("s3/folders/c") } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        XCTAssertEqual(sizes, Array(repeating: 5, count: 20))
        XCTAssertEqual(refreshed.all, [1])
    }

    func testARefusedRequestNamesItsFields() async throws {
        let error = try await failure { _ = try await localClient().share("../a") }
        XCTAssertEqual(error.code, "invalid_request")
        XCTAssertEqual(error.status, 400)
        XCTAssertEqual(error.errors.map(\.pointer), ["/key"])
    }

    private func collected(_ entries: AsyncThrowingStream<Entry, Error>) async throws -> [Entry] {
        try await entries.reduce(into: []) { $0.append($1) }
    }
}
