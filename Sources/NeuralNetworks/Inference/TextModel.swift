package import TensorMath

/// A pretrained network that turns token sequences into vectors, one sequence per row.
package protocol TextModel: Sendable {
  /// Floats per vector.
  var dimensions: Int { get }
  /// The longest sequence, special tokens included.
  var maximumLength: Int { get }
  /// Ids are below it.
  var vocabularySize: Int { get }

  /// Weights of the layers' products, that every token is multiplied with.
  var weightCount: Int { get }

  func makeScratch() -> TransformerScratch

  /// `sequences × dimensions`, on the calling thread; a row does not depend on the other sequences, and an empty
  /// sequence's is of no meaning.
  /// - Precondition: ids are within the vocabulary and no sequence is longer than ``maximumLength``.
  func vectors(of tokens: TextTokens, _ scratch: inout TransformerScratch) -> Matrix
}

/// The sum of a token's and its place's embedding.
struct TokenEmbeddings: Sendable {
  /// `vocabulary × width`.
  let tokens: Matrix
  /// `places × width`.
  let positions: Matrix

  /// Fills one row of `state` per token.
  func embed(_ sequences: TextTokens, firstPosition: Int, into state: UnsafeMutablePointer<Float>) {
    let width = tokens.columns
    for sequence in 0..<sequences.count {
      let range = sequences.range(sequence)
      precondition(range.count <= positions.rows - firstPosition, "a sequence of \(range.count) tokens")
      for position in range {
        let token = Int(sequences.ids[position]) * width
        let place = (position - range.lowerBound + firstPosition) * width
        for column in 0..<width {
          unsafe state[position * width + column] = tokens.elements[token + column] + positions.elements[place + column]
        }
      }
    }
  }
}
