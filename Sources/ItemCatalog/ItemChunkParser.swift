/// What every chunk of one item file is parsed with.
struct ItemFileContext: Sendable {
  let format: RecordFormat
  let header: DelimitedHeader?
  let limits: CatalogLimits
  let roots: ImageRoots
  let previous: PreviousImages?

  /// Parses and validates the records of one chunk. Pure: what comes out depends on the bytes (and image files) alone.
  func parse(_ bytes: [UInt8]) -> ParsedChunk {
    var validator = ItemValidator(
      limits: limits, images: ImageProber(roots: roots, previous: previous, byteLimit: limits.imageBytes),
      bytes: bytes.count)
    var item = RawItem()
    var cursor = RecordCursor(format: format)
    switch format {
    case .jsonLines:
      var reader = ItemJSONReader(limits: limits)
      while let range = cursor.next(bytes) {
        do throws(RecordProblem) {
          try RecordProblem.requireSize(range.count, limits)
          try reader.read(bytes, range, into: &item)
          try validator.add(&item, line: cursor.line, input: bytes, scratch: reader.scanner.scratch)
        } catch {
          validator.reject(error, line: cursor.line)
        }
      }
    case .delimited(let delimiter):
      guard let header else { preconditionFailure("a delimited file is read with its header") }
      var reader = ItemDelimitedReader(header: header, delimiter: delimiter, limits: limits)
      while let range = cursor.next(bytes) {
        do throws(RecordProblem) {
          try RecordProblem.requireSize(range.count, limits)
          try reader.read(bytes, range, into: &item)
          try validator.add(&item, line: cursor.line, input: bytes, scratch: reader.row.scratch)
        } catch {
          let line = cursor.line
          validator.reject(error, line: line, lines: error.reason == .invalidRow ? cursor.giveUp(bytes) : 1)
        }
      }
    }
    return validator.finish(lines: cursor.line)
  }
}
