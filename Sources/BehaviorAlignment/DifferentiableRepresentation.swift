package import NeuralNetworks
package import TensorMath

// The same representations on a tape, so that what is made of them (codes) can train what makes them. Values agree with
// those of `represent` but for rounding.

extension Aligner {
  /// What can be trained.
  package var trainableParameters: ParameterSet { parameters }

  /// This aligner with what a training made of its parameters.
  package func replacingParameters(_ parameters: ParameterSet) -> Aligner {
    precondition(
      parameters.entries.map(\.name) == self.parameters.entries.map(\.name), "parameters of another aligner")
    return Aligner(configuration, network, parameters, scalings)
  }

  /// - Parameters:
  ///   - modalities: batches of the same items, as in ``represent(_:)``.
  ///   - rows: of the items to represent.
  ///   - pass: of the aligner's parameters, or of what a training made of them.
  /// - Returns: `rows × dimensions`, unit-length rows; zeros for an item without any modality.
  package func represent(_ modalities: [ModalityBatch], rows: [Int], in pass: ModelPass) -> Variable {
    let ordered = ordering(modalities)
    let vectors = network(inputs(ordered, rows: rows), in: pass)
    return vectors.selectingRows(
      ContiguousArray(
        rows.enumerated().map { place, row in
          ordered.contains { $0?.isPresent[row] == true } ? Int32(place) : -1
        }))
  }
}

extension JoinedRepresentation {
  /// What content that is on a tape is joined with.
  package struct Beside: Sendable {
    /// One per part of the joint model behind the content; nil where no item has it.
    fileprivate let parts: [ModalityBatch?]
  }

  /// - Parameter modalities: of all items, as for ``represent(_:)``.
  package func beside(_ modalities: [ModalityBatch]) -> Beside {
    let found = fixedParts(modalities)
    return Beside(parts: joint.modalities.dropFirst().map { name in found.first { $0.name == name } })
  }

  /// Joins content that is on a tape with the other parts of the same items, by the fitted map, which stays.
  /// - Parameters:
  ///   - content: `rows × content dimensions`; zeros for an item without any.
  ///   - beside: of all items.
  ///   - rows: of the items of `content` in it.
  /// - Returns: `rows × dimensions`, unit-length rows; zeros for an item with no part at all.
  package func joining(_ content: Variable, _ beside: Beside, rows: [Int]) -> Variable {
    let value = content.value
    let patterns = rows.indices.map { place in
      beside.parts.enumerated().reduce(value.row(place).contains { $0 != 0 } ? 1 : 0) { pattern, part in
        pattern + (part.element?.isPresent[rows[place]] == true ? 2 << part.offset : 0)
      }
    }
    var result = content.tape.constant(Matrix(rows: rows.count, columns: dimensions))
    for (pattern, map) in zip(joint.patterns, joint.maps) {
      let places = ContiguousArray(rows.indices.lazy.filter { patterns[$0] == pattern }.map { Int32($0) })
      guard !places.isEmpty else { continue }
      var parts: [Variable] = []
      if pattern & 1 != 0 { parts.append(content.selectingRows(places)) }
      for (index, part) in beside.parts.enumerated() where pattern & 2 << index != 0 {
        guard let part else { continue }
        parts.append(content.tape.constant(part.vectors.selectingRows(places.map { rows[Int($0)] })))
      }
      let joined = Variable.concatenatingColumns(parts)
      let mapped = joined.mixingRows(of: content.tape.constant(map.projection), choices: nil)
      result =
        result
        + (mapped - content.tape.constant(map.offsets(places.count))).scatteringRows(
          to: places, of: rows.count)
    }
    return result.unitRows()
  }
}

extension RepresentationModel.Map {
  /// The offset in every one of some rows.
  fileprivate func offsets(_ count: Int) -> Matrix {
    Matrix(
      rows: count, columns: offset.count,
      elements: ContiguousArray((0..<count).lazy.flatMap { _ in offset }))
  }
}
