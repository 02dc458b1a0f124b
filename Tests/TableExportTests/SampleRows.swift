import TableExport
import TensorMath

let alphabet: [Character] = Array("abcXYZ019 ,\"'\\-_äß漢字🙂مرحبا\u{2028}\t\n\r")

/// Made-up rows: ids that need every kind of quoting, distances that are no number, runs and noise in the codes.
func sampleRows(_ count: Int, levels: Int, sizes: Int, seed: UInt64 = 7, generation: UInt64 = 3) -> [SemanticIDRow] {
  var random = RandomSource(seed: seed)
  return (0..<count).map { index in
    let length = Int.random(in: 1...24, using: &random)
    let id = "\(index)" + String((0..<length).map { _ in alphabet.randomElement(using: &random)! })
    let codes = (0..<levels).map { level -> UInt16 in
      // The first level stays the same for long, so that runs and bit-packed groups alternate.
      level == 0 && index % 97 < 60 ? UInt16(index / 97 % sizes) : UInt16.random(in: 0..<UInt16(sizes), using: &random)
    }
    return SemanticIDRow(
      id: id, codes: codes, suffix: index % 5 == 0 ? UInt16.random(in: 1...65_535, using: &random) : 0,
      flags: UInt8.random(in: 0...15, using: &random),
      distance: index % 11 == 3 ? .nan : Float.random(in: 0...2, using: &random), generation: generation)
  }
}

func description(levels: Int, size: Int) -> TableDescription {
  TableDescription(
    codebookSizes: Array(repeating: size, count: levels), generation: 3, createdBy: "tessera version 0.0.0",
    metadata: [("tessera.pipeline", "tests")])
}

/// Equality that takes NaN for equal to itself.
func areEqual(_ a: SemanticIDRow, _ b: SemanticIDRow) -> Bool {
  a.id == b.id && a.codes == b.codes && a.suffix == b.suffix && a.flags == b.flags && a.generation == b.generation
    && (a.distance == b.distance || a.distance.isNaN && b.distance.isNaN)
}

/// The text of a semantic ID, written the slow way.
func text(of row: SemanticIDRow) -> String {
  row.codes.map(String.init).joined(separator: "-") + (row.suffix > 0 ? "+\(row.suffix)" : "")
}

/// The rows of the golden file.
let goldenRows = [
  SemanticIDRow(id: "item-1", codes: [12, 255], distance: 0.25, generation: 3),
  SemanticIDRow(id: "größe", codes: [12, 7], suffix: 2, flags: 5, distance: 1.5, generation: 3),
]
