// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "PresignClient",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [.library(name: "PresignClient", targets: ["PresignClient"])],
    targets: [
        .target(name: "PresignClient"),
        // The tests start it, and kill it in the middle of an upload.
        .executableTarget(name: "UploadProcess", dependencies: ["PresignClient"], path: "Tests/UploadProcess"),
        .testTarget(name: "PresignClientTests", dependencies: ["PresignClient", "UploadProcess"]),
    ]
)
