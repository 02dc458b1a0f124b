internal import Foundation

/// Writes a run's report.
public enum ReportWriter {
  /// Writes `report.html` and `report.json` into a folder.
  ///
  /// - Parameter pictures: A file that keeps the pictures for the next report.
  /// - Complexity: some milliseconds, and about a millisecond per new picture, which are read in parallel.
  public static func write(
    _ data: ReportData, into folder: String, pictures: String? = nil
  ) throws(PipelineError) {
    try FileSystem.write(ReportPage(data, pictures: pictures).html(), to: "\(folder)/report.html")
    try FileSystem.write(json(data), to: "\(folder)/report.json")
  }

  /// The data as JSON, with sorted keys, indented.
  public static func json(_ data: ReportData) throws(PipelineError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    // A figure that is no number is a fact worth a report, not a reason to have none.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return try [UInt8](encoder.encode(data)) + [0x0A]
    } catch {
      throw PipelineError(.internalFault, "the report cannot be written as JSON: \(error)")
    }
  }
}
