internal import Foundation
internal import Synchronization
internal import TensorMath

/// A made-up shop's catalogue to try things on: `items.jsonl`, `images/`, `interactions.csv`, and `sample.json`, which
/// remembers the parameters.
///
/// Products of 22 kinds are drawn, named and described, 30 % of them in Arabic. A hidden style ties products of all
/// kinds together: users follow it, while color, pattern, brand, words and backdrop only hint at it.
public enum SampleCatalog {
  /// What was written.
  public struct Summary: Sendable, Hashable {
    /// Records, faults not counted.
    public internal(set) var items = 0
    /// Records with a picture.
    public internal(set) var images = 0
    /// Pictures that were drawn now; the others lay there from an earlier night.
    public internal(set) var drawnImages = 0
    public internal(set) var users = 0
    public internal(set) var interactions = 0
    public internal(set) var faults = 0
  }

  /// Writes the catalogue as it is on `parameters.night` into `directory`, which is created when absent. A later
  /// night written over an earlier one of the same sample draws only the pictures that differ.
  ///
  /// Throws when `directory` holds a catalogue that is no sample.
  @discardableResult
  public static func write(
    to directory: String, parameters: SampleParameters = SampleParameters()
  ) throws(CatalogError) -> Summary {
    try check(parameters)
    try makeSampleFolder(directory)
    let previousNight = try prepare(directory, parameters)
    var writer = SampleWriter(directory: directory, parameters: parameters, previousNight: previousNight)
    try writer.writeItems()
    try writer.writeInteractions()
    try remember(parameters, in: directory)
    return writer.summary
  }

  private static func check(_ parameters: SampleParameters) throws(CatalogError) {
    guard parameters.items > 0, parameters.items <= 1 << 30 else {
      throw CatalogError(.badData, "A sample has 1 to 1,073,741,824 items; \(parameters.items) were asked for.")
    }
    guard (0...1 << 30).contains(parameters.users) else {
      throw CatalogError(.badData, "A sample has 0 to 1,073,741,824 users; \(parameters.users) were asked for.")
    }
    guard (1...1000).contains(parameters.night) else {
      throw CatalogError(.badData, "A sample has nights 1 to 1,000; night \(parameters.night) was asked for.")
    }
    guard (32...1024).contains(parameters.imageSide) else {
      throw CatalogError(.badData, "A sample's pictures have 32 to 1,024 pixels a side, not \(parameters.imageSide).")
    }
    let fractions = [
      parameters.changedFraction, parameters.addedFraction, parameters.removedFraction,
      parameters.withoutImageFraction, parameters.withoutTextFraction, parameters.nearDuplicateFraction,
      parameters.coldFraction, parameters.arabicFraction, parameters.dailyInteractionFraction,
    ]
    guard fractions.allSatisfy({ (0...1).contains($0) }), (0...10_000).contains(parameters.interactionsPerUser) else {
      throw CatalogError(.badData, "A sample's fractions are 0 to 1, and its interactions per user 0 to 10,000.")
    }
  }

  /// Clears what does not belong to these parameters. Returns the night whose pictures are in place, 0 for none.
  private static func prepare(_ directory: String, _ parameters: SampleParameters) throws(CatalogError) -> Int {
    let files = FileManager.default
    let marker = directory + "/sample.json"
    let previous = files.contents(atPath: marker).flatMap { try? JSONDecoder().decode(SampleParameters.self, from: $0) }
    guard let previous else {
      for name in ["items.jsonl", "images"] where files.fileExists(atPath: "\(directory)/\(name)") {
        throw CatalogError(
          .cannotWrite,
          "\(directory) holds \(name) and no sample.json: it is no sample catalogue. Choose another folder.")
      }
      try remember(unfinished(parameters), in: directory)
      return 0
    }
    var comparable = previous
    comparable.night = parameters.night
    let continues = comparable == parameters && previous.night <= parameters.night
    try remember(unfinished(parameters), in: directory)
    if !continues { try? files.removeItem(atPath: directory + "/images") }
    return continues ? previous.night : 0
  }

  /// Night 0 marks a sample that is being written: if that is cut short, everything is written anew.
  private static func unfinished(_ parameters: SampleParameters) -> SampleParameters {
    var result = parameters
    result.night = 0
    return result
  }

  private static func remember(_ parameters: SampleParameters, in directory: String) throws(CatalogError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    guard let data = try? encoder.encode(parameters) else {
      throw CatalogError(.cannotWrite, "The sample's parameters cannot be written as JSON.")
    }
    try writeSampleFile([UInt8](data) + [0x0A], to: directory + "/sample.json")
  }
}
