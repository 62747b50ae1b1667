// On Apple's systems Foundation has all of it.
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

import Foundation
import PresignClient

func storeInBackground(_ film: URL, with files: PresignClient, in session: URLSession) async throws {
    let day = 86_400
    let request = try await files.uploadRequest(
        film, key: "users/alice/film.mp4", contentType: "video/mp4", expiresInSeconds: day)
    session.uploadTask(with: request, fromFile: film).resume()
}

/// The client's names hide none of Foundation's.
func half() -> Progress {
    let progress = Progress(totalUnitCount: 2)
    progress.completedUnitCount = 1
    return progress
}
