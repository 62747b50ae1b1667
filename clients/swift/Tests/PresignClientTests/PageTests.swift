import Foundation
import XCTest

@testable import PresignClient
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

// The samples of docs/clients-mobile.md, and what they take from the app that they stand in.

struct SignIn {
    let valid: String

    func token(refresh: Bool) async throws -> String {
        XCTAssertFalse(refresh)
        return valid
    }
}

final class PageTests: FolderTestCase {
    func testThePhotosOfThePage() async throws {
        let photos = try Photos(endpoint: try endpoint(), signIn: SignIn(valid: try token()))
        let photo = try made("photo.jpg", 1000)
        try await photos.store(photo)
        try await photos.read(into: path("copy.jpg"))
        XCTAssertEqual(try Data(contentsOf: path("copy.jpg")), try Data(contentsOf: photo))
        let names = try await photos.names()
        XCTAssertTrue(names.contains("users/alice/photo.jpg"))
        let (bytes, _) = try await URLSession.shared.data(from: try await photos.link())
        XCTAssertEqual(bytes, try Data(contentsOf: photo))
        try await photos.store(photo, state: path("state.json"))
    }

    func testTheNamesOfFoundationAreLeftToIt() {
        XCTAssertEqual(half().fractionCompleted, 0.5)
    }

    func testTheBackgroundUploadOfThePage() async throws {
        let client = try localClient()
        let film = try made("film.mp4", 1000)
        try await client.delete("users/alice/film.mp4")
        try await storeInBackground(film, with: client, in: .shared)
        while try await client.size("users/alice/film.mp4") != 1000 { try await Task.sleep(nanoseconds: 10_000_000) }
    }
}
