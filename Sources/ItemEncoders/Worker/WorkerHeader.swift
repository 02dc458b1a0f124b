internal import Foundation

/// The first line that a worker writes: `{"dimensions":768,"model":"…"}`. Further keys are ignored.
package struct WorkerHeader: Sendable, Equatable {
  /// Floats per vector.
  package let dimensions: Int

  /// What the vectors are made with; any string, empty where the worker does not say. Part of the encoder's
  /// fingerprint, so that another model's vectors are never taken from the cache.
  package let model: String

  package static let dimensionLimit = 65_536

  /// A longer line is no header; programs that print their progress to standard output get there.
  package static let maximumBytes = 65_536

  package init(dimensions: Int, model: String) {
    self.dimensions = dimensions
    self.model = model
  }

  /// Parses the line, without its line break.
  package init(line: [UInt8]) throws(EncoderError) {
    guard line.count <= Self.maximumBytes else { throw Self.problem("its first line is too long", line) }
    let fields: Fields
    do {
      fields = try JSONDecoder().decode(Fields.self, from: Data(line))
    } catch {
      throw Self.problem("its first line is no header", line)
    }
    guard (1...Self.dimensionLimit).contains(fields.dimensions) else {
      throw Self.problem("its \"dimensions\" is no whole number from 1 to \(Self.dimensionLimit)", line)
    }
    self.init(dimensions: fields.dimensions, model: fields.model ?? "")
  }

  private struct Fields: Decodable {
    var dimensions: Int
    var model: String?
  }

  /// The line as a worker writes it, with its line break.
  package var line: [UInt8] {
    var bytes = Array("{\"dimensions\":\(dimensions),\"model\":".utf8)
    WorkerRequest.append(model, to: &bytes)
    return bytes + Array("}\n".utf8)
  }

  private static func problem(_ what: String, _ line: [UInt8]) -> EncoderError {
    let excerpt = printable(line.prefix(120))
    return EncoderError(
      .workerProtocol,
      "\(what): \"\(excerpt)\(line.count > 120 ? "…" : "")\"; expected {\"dimensions\":768,\"model\":\"…\"} "
        + "before anything else (all other output belongs on standard error)")
  }
}

/// Bytes of unknown origin as text that a log or a terminal can show: UTF-8 repaired, control characters replaced.
func printable(_ bytes: some Sequence<UInt8>) -> String {
  var text = ""
  for scalar in String(decoding: Array(bytes), as: UTF8.self).unicodeScalars {
    let isControl = scalar.value < 0x20 && scalar != "\t" || (0x7F...0x9F).contains(scalar.value)
    text.unicodeScalars.append(isControl ? "\u{FFFD}" : scalar)
  }
  return text
}
