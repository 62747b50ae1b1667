// Uploads a file in a process of its own, and stops in the middle for ever if it is told how far to go.

import Foundation
import PresignClient

setvbuf(stdout, nil, _IOLBF, 0)
let arguments = CommandLine.arguments
let environment = ProcessInfo.processInfo.environment
let most = Int(arguments[4]) ?? .max
let client = try PresignClient(endpoint: URL(string: environment["PRESIGN_ENDPOINT"] ?? "")!) { _ in
    environment["PRESIGN_TOKEN"] ?? ""
}
try await client.upload(
    URL(fileURLWithPath: arguments[1]), key: arguments[2], contentType: "video/mp4",
    state: URL(fileURLWithPath: arguments[3])
) { done, _ in
    print(done)
    while done > most { sleep(1) }
}
