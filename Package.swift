// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "sotto",
  products: [
    .library(name: "Sotto", targets: ["Sotto", "SottoAudio"]),
    .library(name: "SottoKernels", targets: ["SottoKernels"]),
    .executable(name: "sotto", targets: ["SottoCLI"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .systemLibrary(name: "CSottoALSA", pkgConfig: "alsa", providers: [.apt(["libasound2-dev"])]),
    .systemLibrary(name: "CSottoFFTW", pkgConfig: "fftw3f", providers: [.apt(["libfftw3-dev"])]),
    .systemLibrary(name: "CSottoSndFile", pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"])]),
    .systemLibrary(name: "CSottoSoxr", pkgConfig: "soxr", providers: [.apt(["libsoxr-dev"])]),

    .target(name: "CSottoKernels"),
    .target(name: "SottoKernels", dependencies: ["CSottoKernels"]),
    .target(name: "SottoAudio", dependencies: ["CSottoALSA", "CSottoSndFile", "CSottoSoxr"]),
    .target(name: "SottoFeatures", dependencies: ["CSottoFFTW", "SottoKernels"]),
    .target(name: "SottoModels", dependencies: ["SottoKernels"]),
    .target(name: "SottoDecoding", dependencies: ["SottoKernels"]),
    .target(
      name: "Sotto",
      dependencies: ["SottoAudio", "SottoFeatures", "SottoModels", "SottoDecoding"]),
    .target(name: "SottoFormats", dependencies: ["Sotto"]),
    .target(
      name: "SottoCompare",
      dependencies: ["Sotto", "SottoAudio", "SottoDecoding", "SottoFeatures", "SottoKernels"],
      resources: [.embedInCode("Report/report.css"), .embedInCode("Report/report.js")]),
    .executableTarget(
      name: "SottoCLI",
      dependencies: [
        "Sotto", "SottoAudio", "SottoCompare", "SottoDecoding", "SottoFormats", "SottoKernels", "SottoModels",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    .target(name: "SottoTestSupport", path: "Tests/SottoTestSupport"),
    .testTarget(
      name: "SottoKernelsTests", dependencies: ["CSottoKernels", "SottoKernels", "SottoTestSupport"]),
    .testTarget(name: "SottoAudioTests", dependencies: ["SottoAudio", "SottoTestSupport"]),
    .testTarget(name: "SottoFeaturesTests", dependencies: ["SottoFeatures", "SottoTestSupport"]),
    .testTarget(
      name: "SottoModelsTests", dependencies: ["SottoFeatures", "SottoModels", "SottoTestSupport"]),
    .testTarget(
      name: "SottoDecodingTests", dependencies: ["SottoDecoding", "SottoTestSupport"],
      resources: [.copy("Golden")]),
    .testTarget(
      name: "SottoTests", dependencies: ["Sotto", "SottoAudio", "SottoDecoding", "SottoTestSupport"],
      exclude: ["Golden"]),
    .testTarget(name: "SottoFormatsTests", dependencies: ["SottoFormats", "SottoTestSupport"]),
    .testTarget(
      name: "SottoCompareTests", dependencies: ["SottoCompare", "SottoDecoding", "SottoTestSupport"]),
    .testTarget(
      name: "SottoCLITests", dependencies: ["SottoAudio", "SottoCLI", "SottoModels", "SottoTestSupport"],
      resources: [.copy("Help")]),
  ],
  swiftLanguageModes: [.v6]
)
