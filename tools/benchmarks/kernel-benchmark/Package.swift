// swift-tools-version: 6.1
import PackageDescription

// Products with binary-coded weights beside OpenBLAS and 8-bit products; a package of its own, so that sotto does not
// depend on what it is measured against. Run by tools/benchmarks/kernels.
let package = Package(
  name: "kernel-benchmark",
  dependencies: [.package(name: "sotto", path: "../../..")],
  targets: [
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .target(name: "CBaseline", linkerSettings: [.linkedLibrary("dnnl")]),
    .executableTarget(
      name: "kernel-benchmark",
      dependencies: ["COpenBLAS", "CBaseline", .product(name: "SottoKernels", package: "sotto")]),
  ],
  swiftLanguageModes: [.v6]
)
