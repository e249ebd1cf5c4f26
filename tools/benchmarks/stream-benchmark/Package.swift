// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "stream-benchmark",
  dependencies: [.package(name: "sotto", path: "../../..")],
  targets: [
    .target(name: "CHeap"),
    .executableTarget(
      name: "stream-benchmark", dependencies: ["CHeap", .product(name: "Sotto", package: "sotto")]),
    .executableTarget(name: "guard-benchmark", dependencies: [.product(name: "Sotto", package: "sotto")]),
  ],
  swiftLanguageModes: [.v6]
)
