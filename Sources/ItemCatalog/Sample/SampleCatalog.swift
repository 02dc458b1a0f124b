/// A made-up shop's catalogue to try things on: `items.jsonl`, `images/` and `interactions.csv`.
public enum SampleCatalog {
  /// What was written.
  public struct Summary: Sendable, Hashable {
    public var items = 0
    public var images = 0
    public var users = 0
    public var interactions = 0
    public var faults = 0
  }

  /// Writes the catalogue as it is on `parameters.night` into `directory`, which is created when absent. A later
  /// night written over an earlier one touches only the files that differ.
  @discardableResult
  public static func write(
    to directory: String, parameters: SampleParameters = SampleParameters()
  ) throws(CatalogError) -> Summary {
    throw CatalogError(.cannotWrite, "the sample catalogue is not there yet")
  }
}
