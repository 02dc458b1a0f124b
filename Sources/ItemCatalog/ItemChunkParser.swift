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
      limits: limits, images: ImageProber(roots: roots, previous: previous, byteLimit: limits.imageBytes))
    var item = RawItem()
    let lines: Int
    switch format {
    case .jsonLines: lines = parseLines(bytes, &item, &validator)
    case .delimited(let delimiter): lines = parseRows(bytes, delimiter, &item, &validator)
    }
    return validator.finish(lines: lines)
  }

  private func parseLines(_ bytes: [UInt8], _ item: inout RawItem, _ validator: inout ItemValidator) -> Int {
    var reader = ItemJSONReader(limits: limits)
    var line = 0
    var start = 0
    while start < bytes.count {
      let end = ByteScanning.firstNewline(in: bytes, from: start, to: bytes.count)
      if !ByteScanning.isBlank(bytes, start..<end) {
        do throws(RecordProblem) {
          try requireSize(end - start)
          try reader.read(bytes, start..<end, into: &item)
          try validator.add(&item, line: line, input: bytes, scratch: reader.scanner.scratch)
        } catch {
          validator.reject(error, line: line)
        }
      }
      start = end + 1
      line += 1
    }
    return line
  }

  private func parseRows(
    _ bytes: [UInt8], _ delimiter: UInt8, _ item: inout RawItem, _ validator: inout ItemValidator
  ) -> Int {
    guard let header else { preconditionFailure("a delimited file is read with its header") }
    var reader = ItemDelimitedReader(header: header, delimiter: delimiter, limits: limits)
    var line = 0
    var start = 0
    while start < bytes.count {
      let record = DelimitedRow.end(of: bytes, from: start, to: bytes.count, delimiter: delimiter)
      if !DelimitedRow.isBlankLine(bytes, start..<record.index) {
        do throws(RecordProblem) {
          try requireSize(record.index - start)
          try reader.read(bytes, start..<record.index, into: &item)
          try validator.add(&item, line: line, input: bytes, scratch: reader.row.scratch)
        } catch {
          validator.reject(error, line: line)
        }
      }
      start = record.index
      line += record.lines
    }
    return line
  }

  private func requireSize(_ count: Int) throws(RecordProblem) {
    guard count > limits.recordBytes else { return }
    throw RecordProblem(
      "", .tooLong, found: "a record of \(count) bytes", expected: "at most \(limits.recordBytes) bytes")
  }
}
