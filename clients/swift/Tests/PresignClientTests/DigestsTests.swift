#if canImport(CryptoKit)
import Foundation
import XCTest

@testable import PresignClient

final class DigestsTests: XCTestCase {
    func testDigests() {
        var digest = WholeDigest()
        digest.update(Data("hel".utf8))
        digest.update(Data("lo".utf8))
        XCTAssertEqual(digest.sha256, "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=")
        XCTAssertEqual(contentMD5(Data("hello".utf8)), "XUFAKrxLKna5cZ2REBfFkg==")
    }
}
#endif
