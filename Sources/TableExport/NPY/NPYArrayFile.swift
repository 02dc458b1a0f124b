/// One NPY array that grows by whole rows; its shape goes into the header when it is complete.
final class NPYArrayFile {
  private let file: OutputFile
  private let elementType: String
  private let columns: Int?

  /// - Parameters:
  ///   - elementType: NumPy's name of the type, little-endian.
  ///   - columns: the second dimension, nil for a vector.
  init(path: String, elementType: String, columns: Int? = nil) throws(TableExportError) {
    self.elementType = elementType
    self.columns = columns
    file = try OutputFile(path: path)
    try file.write([UInt8](repeating: 0, count: NPYHeader.encodedLength))
  }

  /// Lets `body` append the bytes of elements.
  @inline(__always)
  func append(_ body: (inout [UInt8]) -> Void) throws(TableExportError) { try file.write(body) }

  /// Completes an array of `rows` rows and returns the file's bytes.
  func finish(rows: Int) throws(TableExportError) -> Int {
    let shape = columns.map { [rows, $0] } ?? [rows]
    try file.patch(NPYHeader.encoded(elementType: elementType, shape: shape), at: 0)
    try file.commit()
    return file.size
  }
}
