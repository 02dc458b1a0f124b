/// What a person is told of an encoder, in reports and manifests. Its fingerprint says whether it is the same one.
public struct EncoderDescription: Sendable, Equatable {
  /// `builtin`, the name of a model's folder, or what a worker calls its model.
  public var model: String
  /// As `config.json` has it (`bert`, `efficientnet-lite`), or `worker`.
  public var architecture: String
  /// Of the products that were computed, which is not the one asked for where the processor lacks that; nil where
  /// another program computes.
  public var precision: String?

  public init(model: String, architecture: String, precision: String?) {
    self.model = model
    self.architecture = architecture
    self.precision = precision
  }
}
