// swift-tools-version: 6.2
import PackageDescription

// One set of settings for every target: what differs between targets is what they depend on, nothing else.
let sharedSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]

/// A product target. Arrows point down the list of targets below, never up.
func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: sharedSettings + [.strictMemorySafety()])
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestSupport"], resources: resources, swiftSettings: sharedSettings)
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let numerics = Target.Dependency.product(name: "RealModule", package: "swift-numerics")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
  name: "tessera",
  products: [
    .executable(name: "tessera", targets: ["tessera"]),
    .library(name: "SemanticIDStore", targets: ["SemanticIDStore"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.1.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.0.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.0.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
  ],
  targets: [
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
    .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CVectorKernels"),
    .target(name: "CChildProcess", cSettings: [.treatAllWarnings(as: .error)]),
    .target(
      name: "CImageCodecs", dependencies: ["CPNG", "CJPEG"], cSettings: [.treatAllWarnings(as: .error)],
      linkerSettings: [.linkedLibrary("png"), .linkedLibrary("jpeg")]),

    library("TensorMath", ["COpenBLAS", "COneDNN", "CVectorKernels", numerics]),
    library("NeuralNetworks", ["TensorMath"]),
    library("Tokenizers", []),
    library("ItemCatalog", ["TensorMath", "CImageCodecs", "CZlib", crypto, numerics]),
    library("ItemEncoders", ["TensorMath", "NeuralNetworks", "Tokenizers", "ItemCatalog", "CChildProcess"]),
    library("BehaviorAlignment", ["TensorMath", "NeuralNetworks", "ItemCatalog", "ItemEncoders", numerics]),
    library("Quantizers", ["TensorMath", "NeuralNetworks", collections, numerics]),
    library("SemanticIDStore", ["CLMDB"]),
    library("TableExport", ["TensorMath", "NeuralNetworks"]),
    library(
      "Recommenders", ["TensorMath", "NeuralNetworks", "ItemCatalog", "BehaviorAlignment", "Quantizers", numerics]),
    library(
      "PipelineEngine",
      [
        "TensorMath", "NeuralNetworks", "ItemCatalog", "ItemEncoders", "BehaviorAlignment", "Quantizers",
        "SemanticIDStore", "TableExport", "Recommenders", yams, logging,
      ]),
    .executableTarget(
      name: "tessera",
      dependencies: [
        "TensorMath", "NeuralNetworks", "ItemCatalog", "ItemEncoders", "BehaviorAlignment", "Quantizers",
        "SemanticIDStore", "TableExport", "Recommenders", "PipelineEngine", argumentParser, logging,
      ],
      swiftSettings: sharedSettings + [.strictMemorySafety()]),

    .target(
      name: "TestSupport", dependencies: ["TensorMath", "ItemCatalog"], path: "Tests/TestSupport",
      swiftSettings: sharedSettings),
    tests("TensorMathTests", ["TensorMath", "CVectorKernels", numerics]),
    tests("NeuralNetworksTests", ["NeuralNetworks", "TensorMath"], resources: [.copy("Fixtures")]),
    tests("TokenizersTests", ["Tokenizers", "TensorMath"], resources: [.copy("Fixtures")]),
    tests("ItemCatalogTests", ["ItemCatalog", "TensorMath"], resources: [.copy("Fixtures")]),
    // Another program for the encoders' tests: a worker that keeps the protocol, or breaks it in one way.
    .executableTarget(
      name: "WorkerTestHelper", path: "Tests/WorkerTestHelper", swiftSettings: sharedSettings),
    tests(
      "ItemEncodersTests", ["ItemEncoders", "WorkerTestHelper", "ItemCatalog", "NeuralNetworks", "TensorMath"],
      resources: [.copy("Fixtures")]),
    tests(
      "BehaviorAlignmentTests", ["BehaviorAlignment", "ItemEncoders", "NeuralNetworks", "TensorMath", "ItemCatalog"],
      resources: [.copy("Fixtures")]),
    tests("QuantizersTests", ["Quantizers", "TensorMath", "NeuralNetworks"]),
    // Another process for the store's tests: a writer to kill, a reader to outlive a collection, a victim of bad files.
    .executableTarget(
      name: "StoreTestHelper", dependencies: ["SemanticIDStore"], path: "Tests/StoreTestHelper",
      swiftSettings: sharedSettings),
    tests("SemanticIDStoreTests", ["SemanticIDStore", "StoreTestHelper", "TensorMath"]),
    tests("TableExportTests", ["TableExport", "TensorMath", "NeuralNetworks"]),
    tests(
      "RecommendersTests",
      ["Recommenders", "BehaviorAlignment", "Quantizers", "NeuralNetworks", "TensorMath", "ItemCatalog"],
      resources: [.copy("Fixtures")]),
    tests(
      "PipelineEngineTests",
      [
        "PipelineEngine", "SemanticIDStore", "ItemCatalog", "Quantizers", "TensorMath", "ItemEncoders",
        "BehaviorAlignment", "TableExport", "NeuralNetworks", "Recommenders",
      ]),
    tests("EndToEndTests", ["tessera", "SemanticIDStore", "ItemCatalog", "ItemEncoders", "TensorMath"]),
  ]
)
