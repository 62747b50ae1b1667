import Foundation
import XCTest

@testable import PresignClient

/// The client meets answers that nothing should give, of servers that it must not trust.
final class SurvivalTests: FolderTestCase {
    func testAnErrorOfTheAPISaysWhatToDo() async throws {
        let wrongEndpoint = "The API has no such path: the endpoint ends in /v1/presign."
        for (key, code, message) in [
            ("401", "unauthorized", "The token is missing, expired or not valid: get a new one."),
            ("401-bearer", "unauthorized", "The token is missing, expired or not valid: get a new one."),
            ("401-basic", "unauthorized", "The token is missing, expired or not valid: get a new one."),
            ("404", "wrong_endpoint", wrongEndpoint),
            ("405", "wrong_endpoint", wrongEndpoint),
            ("wrong-path", "wrong_endpoint", wrongEndpoint),
            ("413", "payload_too_large", "The request is larger than the API takes: ask for fewer URLs at once."),
            ("415", "wrong_media_type", "The API got no JSON: a proxy may have changed the Content-Type."),
        ] {
            let error = try await failure { _ = try await hostileClient().share(key) }
            XCTAssertEqual(error.code, code)
            XCTAssertEqual(error.message, message)
        }
    }

    func testAForeignAnswerIsNoAnswerOfTheFunction() async throws {
        for (key, code) in [
            ("sign-in-page", "foreign_answer"), ("no-url", "foreign_answer"), ("firewall", "foreign_answer"),
            ("insecure", "foreign_answer"), ("redirect", "redirected"),
        ] {
            let error = try await failure { try await hostileClient().download(key, to: path("a")) }
            XCTAssertEqual(error.code, code, key)
            XCTAssertEqual(names, [])
        }
    }

    func testAForeignAnswerIsNoAnswerOfTheStore() async throws {
        for (key, code) in [
            ("entities", "foreign_answer"), ("deep", "foreign_answer"), ("store-html", "foreign_answer"),
            ("store-json", "foreign_answer"), ("store-sign-in-page", "foreign_answer"), ("endless", "foreign_answer"),
            ("store-redirect", "redirected"),
        ] {
            let error = try await failure { try await hostileClient().download(key, to: path("a")) }
            XCTAssertEqual(error.code, code, key)
            XCTAssertEqual(names, [])
        }
    }

    func testAForeignAnswerDoesNotMeanThatAFileWasStored() async throws {
        let file = try made("a", 5)
        for (key, code) in [
            ("store-sign-in-page", "foreign_answer"), ("store-redirect", "redirected"), ("endless", "foreign_answer"),
        ] {
            let client = try hostileClient()
            let upload = try await failure { try await client.upload(file, key: key, contentType: "text/plain") }
            XCTAssertEqual(upload.code, code, key)
            let list = try await failure { for try await _ in client.list(key) {} }
            XCTAssertEqual(list.code, code, key)
        }
    }

    func testAListThatIsNotWholeIsNone() async throws {
        for (key, via) in [
            ("list-cut", nil), ("list-same", nil), ("list-nameless", nil), ("par-list-same", "par"),
            ("par-list-nameless", "par"), ("par-list-numbers", "par"),
        ] {
            let client = try hostileClient(via: via)
            let error = try await failure { for try await _ in client.list("\(key)/") {} }
            XCTAssertEqual(error.code, "foreign_answer", key)
            XCTAssertTrue(error.fromStore)
        }
    }

    func testAKeyInAListMayBeWrittenInEachWayOfXML() async throws {
        var keys: [String] = []
        for try await entry in try hostileClient().list("list-escaped") { keys.append(entry.key) }
        XCTAssertEqual(keys, ["a&b&c"])
    }

    func testNamesInXMLMayHavePrefixes() throws {
        let answer = try XCTUnwrap(XMLAnswer(Data("<s:Error xmlns:s='a'><s:Code>b</s:Code></s:Error>".utf8)))
        XCTAssertEqual(answer.root, "Error")
        XCTAssertEqual(answer.texts, ["Code": "b"])
    }

    func testAnAnswerThatAllowsNoPartsIsNone() async throws {
        let file = try made("a", 16 * mib)
        let error = try await failure {
            try await hostileClient().upload(file, key: "no-parts", contentType: "text/plain")
        }
        XCTAssertEqual(error.code, "foreign_answer")
    }

    func testNoRedirectIsFollowedWithABodyOrWithout() async throws {
        let (client, file) = (try hostileClient(), try made("a", 5))
        _ = try await failure { try await client.upload(file, key: "store-redirect", contentType: "text/plain") }
        _ = try await failure { _ = try await client.share("redirect") }
        let stolen = try await seen("stolen")
        XCTAssertEqual(stolen, 0)
    }

    func testTheEndpointMustBeSecure() throws {
        let insecure = [
            "http://192.0.2.1/v1", "http://127.0.0.1.example.com/", "ftp://localhost/", "//localhost/", "a", "https://",
            "example.com/v1/presign", "localhost:8080/v1/presign", "https://example.com:99999/",
            "https://example.com/v1/presign?a=b", "https://example.com/v1/presign?", "https://example.com/#a",
            "https://me:secret@example.com/",
        ]
        for text in insecure {
            // Foundation itself refuses some of them.
            guard let url = URL(string: text) else { continue }
            XCTAssertThrowsError(try PresignClient(endpoint: url) { _ in "" }, text) { error in
                XCTAssertEqual((error as? PresignError)?.code, "invalid_argument", text)
                XCTAssertEqual((error as? PresignError)?.message.contains("example"), false)
            }
        }
        for text in ["https://example.com/", "http://LOCALHOST/", "http://127.0.0.1:80/", "http://[::1]/"] {
            XCTAssertNoThrow(try PresignClient(endpoint: XCTUnwrap(URL(string: text))) { _ in "" }, text)
        }
    }

    func testAnEndpointMayBeWrittenAsPeopleDo() throws {
        for (written, endpoint) in [
            ("https://example.com/v1/presign", "https://example.com/v1/presign"),
            ("https://example.com/v1/presign///", "https://example.com/v1/presign"),
            ("HTTPS://example.com/v1/presign/", "HTTPS://example.com/v1/presign"),
            ("http://localhost:8080/", "http://localhost:8080"),
        ] {
            let client = try PresignClient(endpoint: XCTUnwrap(URL(string: written))) { _ in "" }
            XCTAssertEqual(client.api.endpoint.absoluteString, endpoint)
        }
    }

    func testASlashBehindTheEndpointDoesNoHarm() async throws {
        let valid = try token()
        let slashed = try XCTUnwrap(URL(string: try endpoint().absoluteString + "/"))
        let client = try PresignClient(endpoint: slashed, attempts: 1) { _ in valid }
        let size = try await client.size("s3/folders/c")
        XCTAssertEqual(size, 5)
        let links = try await client.shareAll(["s3/folders/c"])
        XCTAssertEqual(links.count, 1)
    }

    func testAHostThatHasNoAddressIsSoonGivenUp() async throws {
        let unknown = ["a", "b", "c", "d"].map { String(repeating: $0, count: 63) }.joined(separator: ".")
        let url = try XCTUnwrap(URL(string: "https://\(unknown)/v1/presign"))
        for (attempts, pauses) in [(8, 4), (3, 2)] {
            let told = Told()
            let client = try PresignClient(
                endpoint: url, attempts: attempts, pause: { told.add(Int($0 * 1000)) }, token: { _ in "secret-token" })
            let error = try await failure { _ = try await client.share("a") }
            XCTAssertEqual(error.message, "The connection to \(unknown) failed (cannotFindHost).")
            XCTAssertTrue(error.passes)
            XCTAssertEqual(told.all.count, pauses)
        }
    }

    func testATokenThatIsNoneIsNotShown() async throws {
        for token in ["", "secret-token\n", "secret-tökén"] {
            let client = try PresignClient(endpoint: XCTUnwrap(URL(string: "http://127.0.0.1:1/"))) { _ in token }
            let error = try await failure { _ = try await client.share("a") }
            XCTAssertEqual(error.code, "no_token")
        }
    }

    func testNoMessageShowsAURL() async throws {
        let telling = try await failure { try await hostileClient().download("telling", to: path("a")) }
        XCTAssertEqual(telling.code, "Telling")
        XCTAssertEqual(telling.message, "Object Storage answered with status 400.")
        let endpoint = try XCTUnwrap(URL(string: "http://127.0.0.1:1/object"))
        let client = try PresignClient(endpoint: endpoint, attempts: 1) { _ in "secret-token" }
        let lost = try await failure { _ = try await client.share("a") }
        XCTAssertEqual(lost.code, "connection_failed")
        XCTAssertEqual(lost.message, "The connection to 127.0.0.1 failed (cannotConnectToHost).")
    }

    func testAServerThatAsksForYearsOfPatienceIsNotWaitedFor() async throws {
        let client = try hostileClient(pause: { _ in XCTFail("It waited.") })
        for key in ["patient", "store-patient"] {
            let before = try await seen(key)
            let error = try await failure { try await client.download(key, to: path("a")) }
            XCTAssertEqual(error.status, 503)
            XCTAssertTrue(error.passes)
            XCTAssertEqual(error.retryAfterSeconds, 31_536_000)
            let after = try await seen(key)
            XCTAssertEqual(after - before, 1)
        }
    }

    func testWhatMayPassIsTriedAgain() async throws {
        for (key, pauses) in [("nonsense", 1), ("flaky", 2)] {
            let paused = Told()
            let client = try hostileClient(pause: { paused.add(Int($0 * 1000)) })
            try await client.download(key, to: path("a"))
            XCTAssertEqual(paused.all.count, pauses)
            XCTAssertTrue(paused.all.allSatisfy { (250...1000).contains($0) })
        }
    }

    func testAnExpiredURLIsAskedForAgainAtOnce() async throws {
        let client = try hostileClient(pause: { _ in XCTFail("It waited.") })
        try await client.download("expired", to: path("a"))
        let before = try await seen("always-expired")
        let error = try await failure { try await client.download("always-expired", to: path("b")) }
        XCTAssertEqual(error.code, "AccessDenied")
        let after = try await seen("always-expired")
        XCTAssertEqual(after - before, 3)
    }

    func testAStoreThatWantsAPasswordGetsNone() async throws {
        let file = try made("a", 5)
        let upload = try await failure {
            try await hostileClient().upload(file, key: "store-401", contentType: "text/plain")
        }
        let download = try await failure { try await hostileClient().download("store-401", to: path("b")) }
        XCTAssertEqual([upload.code, download.code], ["http_401", "http_401"])
    }

    func testWhatCannotPassIsNotTriedAgain() async throws {
        let client = try hostileClient(pause: { _ in XCTFail("It waited.") })
        let before = try await seen("object/refused")
        let error = try await failure { try await client.download("refused", to: path("a")) }
        XCTAssertEqual(error.code, "InvalidArgument")
        let after = try await seen("object/refused")
        XCTAssertEqual(after - before, 1)
    }

    func testBytesThatAreNotThoseThatWereUploadedAreRefused() async throws {
        try await hostileClient().download("whole", to: path("a"))
        XCTAssertEqual(try String(contentsOf: path("a"), encoding: .utf8), "the bytes of the object")
        #if canImport(CryptoKit)
        let error = try await failure { try await hostileClient().download("damaged", to: path("b")) }
        XCTAssertEqual(error.code, "checksum_mismatch")
        XCTAssertEqual(names, ["a"])
        #endif
    }

    func testThereIsADeadlineForAnAnswer() async throws {
        let client = try hostileClient(attempts: 1, timeoutSeconds: 1)
        for key in ["silent", "store-silent", "drops"] {
            let error = try await failure { try await client.download(key, to: path("a")) }
            XCTAssertEqual(error.code, "connection_failed")
            XCTAssertEqual(error.message, "The connection to 127.0.0.1 failed (timedOut).")
            XCTAssertTrue(error.passes)
        }
    }

    func testThereIsADeadlineForBytesThatNobodyTakes() async throws {
        let endpoint = try deafEndpoint()
        let client = try PresignClient(endpoint: endpoint, attempts: 1, timeoutSeconds: 1) { _ in "secret-token" }
        let key = String(repeating: "a", count: 20 * mib)
        let error = try await failure { _ = try await client.share(key) }
        XCTAssertEqual(error.code, "connection_failed")
    }

    func testATimeOutIsMoreThanNothingAndLessThanForEver() throws {
        let endpoint = try XCTUnwrap(URL(string: "http://127.0.0.1:1/"))
        for seconds in [-1, 0, 86_401, 1e300, .infinity, .nan] {
            XCTAssertThrowsError(try PresignClient(endpoint: endpoint, timeoutSeconds: seconds) { _ in "" }) { error in
                XCTAssertEqual((error as? PresignError)?.code, "invalid_argument")
            }
        }
    }

    func testATaskThatIsCancelledBeforeItSendsARequestEnds() async throws {
        for _ in 0..<50 {
            let client = try hostileClient(token: { _ in
                withUnsafeCurrentTask { $0?.cancel() }
                return "secret-token"
            })
            try await assertCancelled(Task { _ = try await client.size("whole") })
        }
    }

    func testASignInThatTakesLongIsNotWaitedForByACancelledTask() async throws {
        let asked = Told()
        let client = try hostileClient(token: { refresh in
            if refresh {
                asked.add(1)
                try await Task.sleep(nanoseconds: 60_000_000_000)
            }
            return "secret-token"
        })
        let task = Task { _ = try await client.share("401") }
        while asked.all.isEmpty { try await Task.sleep(nanoseconds: 1_000_000) }
        task.cancel()
        try await assertCancelled(task)
    }

    func testTheEndOfAnUploadIsNotWaitedForLong() async throws {
        let (client, file, told) = (try hostileClient(), try made("a", 16 * mib), Told())
        let task = Task {
            try await client.upload(file, key: "parts-silent", contentType: "text/plain") { done, _ in told.add(done) }
        }
        while told.all.isEmpty { try await Task.sleep(nanoseconds: 1_000_000) }
        task.cancel()
        let begun = Date()
        try await assertCancelled(task)
        XCTAssertTrue((9...15).contains(Date().timeIntervalSince(begun)))
    }

    /// Waits for a task to be cancelled, but not for ever.
    private func assertCancelled(_ task: Task<Void, Error>, line: UInt = #line) async throws {
        let ended = expectation(description: "It has ended.")
        Task {
            _ = await task.result
            ended.fulfill()
        }
        await fulfillment(of: [ended], timeout: 20)
        do {
            try await task.value
            XCTFail("It was not cancelled.", line: line)
        } catch is CancellationError {}
    }

    func testAPauseEndsWhenTheTaskIsCancelled() async throws {
        let paused = Told()
        let client = try hostileClient(pause: {
            paused.add(1)
            try await Task.sleep(nanoseconds: UInt64($0 * 1e12))
        })
        let file = path("a")
        let task = Task { try await client.download("busy", to: file) }
        while paused.all.isEmpty { try await Task.sleep(nanoseconds: 1_000_000) }
        task.cancel()
        do {
            try await task.value
            XCTFail("It was not cancelled.")
        } catch is CancellationError {}
        XCTAssertEqual(names, [])
    }
}
