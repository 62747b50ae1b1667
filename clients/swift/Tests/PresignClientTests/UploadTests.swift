import Foundation
import XCTest

@testable import PresignClient
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

final class UploadTests: FolderTestCase {
    func testASmallFileGoesUpAndComesDown() async throws {
        let client = try localClient()
        for (prefix, size) in [("s3/", 5), ("s3/", 200_000), ("par/", 0), ("par/", 200_000)] {
            let (file, told) = (try made("a", size), Told())
            try await client.upload(file, key: "\(prefix)ü/a b.png", contentType: "image/png")
            let (bytes, type) = try await read("\(prefix)ü/a b.png")
            XCTAssertEqual(bytes, try Data(contentsOf: file))
            XCTAssertEqual(type, "image/png")
            try await client.download("\(prefix)ü/a b.png", to: path("b")) { done, _ in told.add(done) }
            XCTAssertEqual(try Data(contentsOf: path("b")), bytes)
            XCTAssertEqual(told.all.last, size)
            XCTAssertEqual(names, ["a", "b"])
        }
    }

    func testALargeFileGoesUpInParts() async throws {
        let file = try made("large", 17 * mib + 1)
        for prefix in prefixes {
            let told = Told()
            try await localClient().upload(file, key: "\(prefix)large", contentType: "video/mp4") { done, total in
                told.add(done)
                XCTAssertEqual(total, 17 * mib + 1)
            }
            XCTAssertEqual(told.all.last, 17 * mib + 1)
            let (bytes, type) = try await read("\(prefix)large")
            XCTAssertTrue(bytes == (try Data(contentsOf: file)))
            XCTAssertEqual(type, "video/mp4")
        }
    }

    func testTheProgressOfAnEmptyFileIsTold() async throws {
        let told = Told()
        let client = try localClient()
        try await client.upload(made("empty", 0), key: "s3/empty", contentType: "text/plain") { told.add($0 + $1) }
        XCTAssertEqual(Set(told.all), [0])
        let read = Told()
        try await client.download("s3/empty", to: path("b")) { read.add($0 + $1) }
        XCTAssertEqual(Set(read.all), [0])
    }

    func testAKilledUploadGoesOnInAnotherProcess() async throws {
        _ = try endpoint()  // which the process needs, too
        let file = try made("large", 40 * mib)
        for prefix in prefixes {
            let state = path("state.json")
            let killed = try UploadProcess(file, "\(prefix)killed", state, most: 22 * mib)
            XCTAssertTrue(try killed.waits(behind: 22 * mib))
            let kept = UploadState(state, identity: nil)
            let sent = (1...10).filter { kept.part($0) != nil }.count * kept.partBytes
            XCTAssertGreaterThanOrEqual(sent, 16 * mib)

            let told = try UploadProcess(file, "\(prefix)killed", state, most: .max).progress()
            // The bytes of the parts that were there are told at once, without an attempt to send them.
            XCTAssertEqual(told.first, kept.partBytes)
            XCTAssertTrue(told.allSatisfy { $0 % kept.partBytes == 0 || $0 > sent })
            XCTAssertEqual(told.last, 40 * mib)
            let (bytes, _) = try await read("\(prefix)killed")
            XCTAssertTrue(bytes == (try Data(contentsOf: file)))
            XCTAssertEqual(names, ["large"])
        }
    }

    func testAPausedUploadGoesOn() async throws {
        for prefix in prefixes {
            let (file, state) = try await paused("\(prefix)paused")
            let told = Told()
            let client = try localClient()
            try await client.upload(file, key: "\(prefix)paused", contentType: "video/mp4", state: state) { done, _ in
                told.add(done)
            }
            XCTAssertEqual(told.all.first, prefix == "s3/" ? 5 * mib : 16 * mib)
            let (bytes, _) = try await read("\(prefix)paused")
            XCTAssertTrue(bytes == (try Data(contentsOf: file)))
        }
    }

    func testAnUploadWhoseFileChangedBeginsAnew() async throws {
        for prefix in prefixes {
            let (file, state) = try await paused("\(prefix)changed")
            let modified = try FileManager.default.attributesOfItem(atPath: file.path)[.modificationDate]
            var bytes = try Data(contentsOf: file)
            bytes[7 * mib] ^= 1
            try bytes.write(to: file)
            try FileManager.default.setAttributes([.modificationDate: modified as Any], ofItemAtPath: file.path)
            let copy = path("first.json")
            try FileManager.default.copyItem(at: state, to: copy)
            try await localClient().upload(file, key: "\(prefix)changed", contentType: "video/mp4", state: state)
            let (stored, _) = try await read("\(prefix)changed")
            XCTAssertTrue(stored == bytes)
            try await localClient().discard("\(prefix)changed", state: copy)
            XCTAssertEqual(names, ["large"])
        }
    }

    func testAnUploadThatIsGoneBeginsAnew() async throws {
        for prefix in prefixes {
            let (file, state) = try await paused("\(prefix)gone")
            try FileManager.default.copyItem(at: state, to: path("copy.json"))
            try await localClient().discard("\(prefix)gone", state: path("copy.json"))
            try await localClient().upload(file, key: "\(prefix)gone", contentType: "video/mp4", state: state)
            let (bytes, _) = try await read("\(prefix)gone")
            XCTAssertTrue(bytes == (try Data(contentsOf: file)))
        }
    }

    func testALostAnswerToTheCompletionIsNoFailure() async throws {
        for prefix in prefixes {
            let (file, state) = try await paused("\(prefix)lost")
            let copy = path("copy.json")
            try await localClient().upload(file, key: "\(prefix)lost", contentType: "video/mp4", state: state) { _, _ in
                if let kept = try? String(contentsOf: state, encoding: .utf8) {
                    let completing = kept.replacingOccurrences(of: "Completing\":false", with: "Completing\":true")
                    try? completing.write(to: copy, atomically: true, encoding: .utf8)
                }
            }
            XCTAssertTrue(UploadState(copy, identity: nil).isCompleting)
            try await localClient().upload(file, key: "\(prefix)lost", contentType: "video/mp4", state: copy)
            XCTAssertEqual(names, ["large"])
        }
    }

    func testACancelledUploadLeavesNothing() async throws {
        let file = try made("large", 20 * mib)
        for prefix in prefixes {
            let client = try localClient()
            let told = Told()
            let task = Task {
                try await client.upload(file, key: "\(prefix)cancelled", contentType: "video/mp4") { done, _ in
                    told.add(done)
                }
            }
            while told.all.max() ?? 0 < 6 * mib { try await Task.sleep(nanoseconds: 1_000_000) }
            task.cancel()
            do {
                try await task.value
                XCTFail("It was not cancelled.")
            } catch is CancellationError {}
            let size = try await client.size("\(prefix)cancelled")
            XCTAssertNil(size)
            let (_, state) = try await paused("\(prefix)cancelled")
            try await client.discard("\(prefix)cancelled", state: state)
            XCTAssertEqual(names, ["large"])
        }
    }

    func testAStateWhoseMembersWereDamagedIsIgnored() async throws {
        for prefix in prefixes {
            let (file, state) = try await paused("\(prefix)damaged")
            let whole = try XCTUnwrap(try JSONSerialization.jsonObject(with: Data(contentsOf: state)) as? [String: Any])
            let other = prefix == "s3/" ? "par" : "s3 "
            let damages: [(String, Any)] = [
                ("parts", 5), ("uploadID", ""), ("uploadID", "a\nb"), ("via", other), ("partBytes", Int.max), ("partBytes", 1),
            ]
            for (name, value) in damages {
                let damaged = whole.merging([name: value]) { $1 }
                try JSONSerialization.data(withJSONObject: damaged).write(to: state)
                try await localClient().upload(file, key: "\(prefix)damaged", contentType: "video/mp4", state: state)
            }
            try JSONSerialization.data(withJSONObject: whole).write(to: state)
            try await localClient().discard("\(prefix)damaged", state: state)
        }
    }

    func testAnUploadByOneKindOfURLIsNotGoneOnWithByTheOther() async throws {
        let (file, state) = try await paused("par/kind")
        let error = try await failure {
            try await localClient(via: "s3").upload(file, key: "par/kind", contentType: "video/mp4", state: state)
        }
        XCTAssertEqual(error.code, "access_denied")
        try await localClient(via: "s3").discard("par/kind", state: state)
        let (_, other) = try await paused("s3/kind")
        try await localClient(via: "par").discard("s3/kind", state: other)
        XCTAssertEqual(names, ["large"])
    }

    func testAStateThatCannotBeWrittenLeavesNoParts() async throws {
        let file = try made("large", 16 * mib)
        for state in [path("none/state"), folder] {
            let error = try await failure {
                try await localClient().upload(file, key: "s3/unwritable", contentType: "video/mp4", state: state)
            }
            XCTAssertEqual(error.code, "unwritable_file")
        }
        XCTAssertEqual(names, ["large"])
    }

    func testAStateThatIsDamagedIsIgnored() async throws {
        let file = try made("large", 16 * mib)
        for text in ["", "{", "[]"] {
            try text.write(to: path("state.json"), atomically: true, encoding: .utf8)
            try await localClient().upload(file, key: "s3/state", contentType: "video/mp4", state: path("state.json"))
        }
    }

    func testAFileMayBeALinkToOne() async throws {
        let link = path("link")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: made("a", 5))
        try await localClient().upload(link, key: "s3/link", contentType: "text/plain")
        let (bytes, _) = try await read("s3/link")
        XCTAssertEqual(bytes, try Data(contentsOf: path("a")))
    }

    func testAFileThatCannotBeReadFailsAtOnce() async throws {
        let asked = Told()
        let client = try localClient { _ in
            asked.add(1)
            return "token"
        }
        for file in [path("none"), folder] {
            let code = try await failure { try await client.upload(file, key: "s3/a", contentType: "text/plain") }.code
            XCTAssertEqual(code, "unreadable_file")
        }
        XCTAssertEqual(asked.all, [])
    }

    func testAFileThatChangesOrVanishesMeanwhileFailsAtOnce() async throws {
        let client = try localClient()
        let file = try made("large", 20 * mib)
        let changed = try await failure {
            try await client.upload(file, key: "s3/a", contentType: "text/plain") { done, _ in
                guard done == 5 * mib, let handle = try? FileHandle(forWritingTo: file) else { return }
                _ = try? handle.seekToEnd()
                try? handle.write(contentsOf: Data([1]))
            }
        }
        XCTAssertEqual(changed.code, "changed")
        let vanished = try await failure {
            try await client.upload(file, key: "s3/a", contentType: "text/plain") { done, _ in
                if done == 5 * mib { try? FileManager.default.removeItem(at: file) }
            }
        }
        XCTAssertEqual(vanished.code, "unreadable_file")
    }

    func testAFileThatIsTooLargeIsRefusedBeforeAByteIsSent() async throws {
        let file = try made("large", 51_000_000)
        let told = Told()
        let error = try await failure {
            try await localClient().upload(file, key: "s3/a", contentType: "text/plain") { done, _ in told.add(done) }
        }
        XCTAssertEqual(error.code, "limit_exceeded")
        XCTAssertEqual(error.errors, [FieldError(pointer: "/content_length", detail: "must be at most 50000000")])
        XCTAssertEqual(told.all, [])
    }

    func testTheRequestForASessionOfTheCallersOwn() async throws {
        let file = try made("a", 1000)
        for prefix in prefixes {
            let request = try await localClient().uploadRequest(file, key: "\(prefix)own", contentType: "image/png")
            let (_, response) = try await URLSession.shared.upload(for: request, fromFile: file)
            XCTAssertEqual((response as? HTTPURLResponse)?.statusCode, 200)
            let (bytes, type) = try await read("\(prefix)own")
            XCTAssertEqual(bytes, try Data(contentsOf: file))
            XCTAssertEqual(type, "image/png")
        }
    }

    /// A file of which a part was sent, and the state of its upload.
    private func paused(_ key: String) async throws -> (URL, URL) {
        let (file, state) = (try made("large", 33 * mib), path("state.json"))
        let client = try localClient()
        let told = Told()
        let task = Task {
            try await client.upload(file, key: key, contentType: "video/mp4", state: state) { done, _ in
                told.add(done)
            }
        }
        while told.all.max() ?? 0 < 18 * mib { try await Task.sleep(nanoseconds: 1_000_000) }
        task.cancel()
        _ = try? await task.value
        return (file, state)
    }
}

/// A process that uploads a file.
private final class UploadProcess {
    private let process = Process()
    private let output = Pipe()

    init(_ file: URL, _ key: String, _ state: URL, most: Int) throws {
        let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        process.executableURL = folder.appendingPathComponent("UploadProcess")
        process.arguments = [file.path, key, state.path, "\(most)"]
        process.standardOutput = output
        try process.run()
        try? output.fileHandleForWriting.close()  // or the end of the output would never come
    }

    /// Whether it came so far that it stopped; then it is killed.
    func waits(behind most: Int) throws -> Bool {
        var text = ""
        let lines = { text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() }
        while !lines().contains(where: { Int($0) ?? 0 > most }) {
            let found = output.fileHandleForReading.availableData
            if found.isEmpty { return false }
            text += String(decoding: found, as: UTF8.self)
        }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        return true
    }

    /// How far it told to be, from its first word to its end.
    func progress() throws -> [Int] {
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        XCTAssertEqual(process.terminationStatus, 0)
        return text.split(separator: "\n").compactMap { Int($0) }
    }
}
