internal import TensorMath

/// An inverted residual (Sandler et al., 2018): expand the channels, filter each by itself, project back.
struct EfficientNetBlock: Sendable {
  /// Absent where the block filters its input's channels.
  let expansion: LinearLayer?
  let filter: DepthwiseConvolution
  let projection: LinearLayer
  /// Whether the input is added to the output.
  let isResidual: Bool

  var inputChannels: Int { expansion?.inputs ?? filter.paddedChannels }
  var outputChannels: Int { projection.outputs }
  private var hiddenChannels: Int { filter.paddedChannels }

  /// Floats that the expanded and the filtered maps may take together, so that they stay in a second-level cache of
  /// 2 MiB beside the weights.
  private static let cacheBudget = 1 << 18

  func outputSide(_ side: Int) -> Int { filter.samePadding(side: side).outputs }

  /// - Parameters:
  ///   - input: `images × side × side × inputChannels`.
  ///   - output: `images × outputSide × outputSide × outputChannels`.
  func apply(
    _ input: UnsafePointer<Float>, images: Int, side: Int, into output: UnsafeMutablePointer<Float>,
    _ scratch: inout EfficientNetScratch
  ) {
    let outputs = outputSide(side)
    let perImage = ((expansion == nil ? 0 : side * side) + outputs * outputs) * hiddenChannels
    let (inputCount, outputCount) = (side * side * inputChannels, outputs * outputs * outputChannels)
    if perImage <= Self.cacheBudget {
      let group = max(1, Self.cacheBudget / perImage)
      for first in stride(from: 0, to: images, by: group) {
        unsafe applyWhole(
          input + first * inputCount, images: min(group, images - first), side: side,
          into: output + first * outputCount, &scratch)
      }
    } else {
      for image in 0..<images {
        unsafe applyInBands(input + image * inputCount, side: side, into: output + image * outputCount, &scratch)
      }
    }
    if isResidual {
      for index in 0..<images * inputCount { unsafe output[index] += input[index] }
    }
  }

  /// Small maps: whole images, several in each product, so that the weights are read once for all.
  private func applyWhole(
    _ input: UnsafePointer<Float>, images: Int, side: Int, into output: UnsafeMutablePointer<Float>,
    _ scratch: inout EfficientNetScratch
  ) {
    let outputs = outputSide(side), line = side * hiddenChannels, outputLine = outputs * hiddenChannels
    unsafe scratch.withHidden(images * side * line, filtered: images * outputs * outputLine) { hidden, filtered in
      var source = unsafe input
      if let expansion {
        unsafe expansion.apply(input, rows: images * side * side, activation: .relu6, into: hidden)
        unsafe source = UnsafePointer(hidden)
      }
      for image in 0..<images {
        let first = unsafe source + image * side * line
        for row in 0..<outputs {
          unsafe filter.row(
            row, width: side, height: side, input: { unsafe first + $0 * line },
            into: filtered + (image * outputs + row) * outputLine)
        }
      }
      unsafe projection.apply(filtered, rows: images * outputs * outputs, into: output)
    }
  }

  /// Large maps: some rows of one image at a time. Expanded rows that the next band's windows reach back to are kept.
  private func applyInBands(
    _ input: UnsafePointer<Float>, side: Int, into output: UnsafeMutablePointer<Float>,
    _ scratch: inout EfficientNetScratch
  ) {
    let outputs = outputSide(side), line = side * hiddenChannels, outputLine = outputs * hiddenChannels
    let (kernel, step) = (filter.kernel, filter.stride), before = filter.samePadding(side: side).before
    let expandedPerRow = expansion == nil ? 0 : step * line
    let bandRows = max(1, (Self.cacheBudget - kernel * line) / (expandedPerRow + outputLine))
    let hiddenRows = bandRows * step + kernel
    unsafe scratch.withHidden(hiddenRows * line, filtered: bandRows * outputLine) { hidden, filtered in
      // Input rows `kept..<expanded` lie in the hidden buffer, from its start.
      var (kept, expanded) = (0, 0)
      for band in stride(from: 0, to: outputs, by: bandRows) {
        let rows = band..<min(band + bandRows, outputs)
        let first = max(0, rows.lowerBound * step - before)
        let end = min(side, (rows.upperBound - 1) * step - before + kernel)
        if let expansion {
          if first < expanded, first > kept {
            unsafe hidden.update(from: hidden + (first - kept) * line, count: (expanded - first) * line)
          }
          kept = first
          expanded = max(expanded, first)
          unsafe expansion.apply(
            input + expanded * side * inputChannels, rows: (end - expanded) * side, activation: .relu6,
            into: hidden + (expanded - kept) * line)
          expanded = end
        }
        let base = unsafe expansion == nil ? input : UnsafePointer(hidden) - kept * line
        for row in rows {
          unsafe filter.row(
            row, width: side, height: side, input: { unsafe base + $0 * line },
            into: filtered + (row - rows.lowerBound) * outputLine)
        }
        unsafe projection.apply(
          filtered, rows: rows.count * outputs, into: output + rows.lowerBound * outputs * outputChannels)
      }
    }
  }
}
