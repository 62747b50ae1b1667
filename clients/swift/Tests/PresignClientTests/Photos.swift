import Foundation
import PresignClient

/// `endpoint` is `https://<hostname>/presigner/v1/presign`.
struct Photos {
    let files: PresignClient

    init(endpoint: URL, signIn: SignIn) throws {
        files = try PresignClient(endpoint: endpoint) { refresh in try await signIn.token(refresh: refresh) }
    }

    func store(_ photo: URL) async throws {
        try await files.upload(photo, key: "users/alice/photo.jpg", contentType: "image/jpeg") { done, total in
            print("\(done) of \(total) bytes")
        }
    }

    func read(into copy: URL) async throws {
        try await files.download("users/alice/photo.jpg", to: copy)
    }

    func names() async throws -> [String] {
        var names: [String] = []
        for try await entry in files.list("users/alice/", delimiter: "/") { names.append(entry.key) }
        return names
    }

    func link() async throws -> URL {
        try await files.share("users/alice/photo.jpg", expiresInSeconds: 600).url
    }

    /// The same call again goes on where the last one ended, after the app was closed too.
    func store(_ film: URL, state: URL) async throws {
        try await files.upload(film, key: "users/alice/film.mp4", contentType: "video/mp4", state: state)
    }
}
