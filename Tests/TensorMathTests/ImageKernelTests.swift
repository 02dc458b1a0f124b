import TensorMath
import TestSupport
import Testing

/// The definition, in double precision: input and output are channels last with `padded` channels.
private func depthwiseReference(
  _ input: [Float], width: Int, height: Int, weights: ContiguousArray<Float>, bias: ContiguousArray<Float>,
  kernel: Int, stride: Int, padded: Int
) -> [Float] {
  let vertical = SamePadding(side: height, kernel: kernel, stride: stride)
  let horizontal = SamePadding(side: width, kernel: kernel, stride: stride)
  var output = [Float](repeating: 0, count: vertical.outputs * horizontal.outputs * padded)
  for row in 0..<vertical.outputs {
    for column in 0..<horizontal.outputs {
      for channel in bias.indices {
        var sum = Double(bias[channel])
        for y in 0..<kernel {
          for x in 0..<kernel {
            let (r, c) = (row * stride - vertical.before + y, column * stride - horizontal.before + x)
            guard r >= 0, r < height, c >= 0, c < width else { continue }
            let weight = weights[(channel * kernel + y) * kernel + x]
            sum += Double(input[(r * width + c) * padded + channel]) * Double(weight)
          }
        }
        output[(row * horizontal.outputs + column) * padded + channel] = Float(min(max(sum, 0), 6))
      }
    }
  }
  return output
}

@Suite struct DepthwiseConvolutionTests {
  private func run(_ filter: DepthwiseConvolution, _ input: [Float], width: Int, height: Int) -> [Float] {
    let outputs = filter.samePadding(side: width).outputs, line = width * filter.paddedChannels
    let rows = filter.samePadding(side: height).outputs, outputLine = outputs * filter.paddedChannels
    var output = [Float](repeating: .nan, count: rows * outputLine)
    input.withUnsafeBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        for row in 0..<rows {
          filter.row(
            row, width: width, height: height, input: { input.baseAddress! + $0 * line },
            into: output.baseAddress! + row * outputLine)
        }
      }
    }
    return output
  }

  @Test(arguments: [3, 5], [1, 2])
  func rowsEqualTheDefinition(kernel: Int, stride: Int) {
    var random = RandomSource(seed: UInt64(kernel * 2 + stride))
    let extents = [(1, 1, 16), (2, 3, 5), (7, 7, 32), (9, 4, 17), (14, 2, 48), (15, 6, 16), (33, 3, 16)]
    for (width, height, channels) in extents {
      let weights = ContiguousArray((0..<channels * kernel * kernel).map { _ in random.nextNormal() })
      let bias = ContiguousArray((0..<channels).map { _ in random.nextNormal() + 1 })
      let filter = DepthwiseConvolution(weights: weights, bias: bias, kernel: kernel, stride: stride)
      let padded = filter.paddedChannels
      #expect(padded % 16 == 0 && padded >= channels && padded < channels + 16 && filter.channels == channels)
      let input = (0..<width * height * padded).map { $0 % padded < channels ? random.nextNormal() : 0 }
      let expected = depthwiseReference(
        input, width: width, height: height, weights: weights, bias: bias, kernel: kernel, stride: stride,
        padded: padded)
      expectClose(run(filter, input, width: width, height: height), expected, tolerance: 1e-5)
    }
  }

  @Test func valuesAreCutToZeroAndSix() {
    let filter = DepthwiseConvolution(
      weights: ContiguousArray(repeating: 1, count: 9 * 16), bias: ContiguousArray(repeating: 0, count: 16),
      kernel: 3, stride: 1)
    #expect(run(filter, Array(repeating: 3, count: 16), width: 1, height: 1) == Array(repeating: 3, count: 16))
    #expect(run(filter, Array(repeating: -3, count: 16), width: 1, height: 1) == Array(repeating: 0, count: 16))
    #expect(run(filter, Array(repeating: 7, count: 16), width: 1, height: 1) == Array(repeating: 6, count: 16))
  }

  @Test(arguments: [
    (224, 3, 2, 112, 0, 1), (56, 5, 2, 28, 1, 2), (7, 3, 1, 7, 1, 1), (65, 3, 2, 33, 1, 1), (1, 5, 2, 1, 2, 2),
    (2, 3, 2, 1, 0, 1), (14, 5, 1, 14, 2, 2),
  ])
  func paddingIsTensorFlows(side: Int, kernel: Int, stride: Int, outputs: Int, before: Int, after: Int) {
    let padding = SamePadding(side: side, kernel: kernel, stride: stride)
    #expect(padding.outputs == outputs && padding.before == before && padding.after == after)
  }
}

@Suite struct ResamplingWeightsTests {
  /// Rounds half up, as the fixed point does.
  private func byte(_ sum: Int) -> UInt8 { UInt8(clamping: (sum + 1 << 21) >> 22) }

  @Test func sumsEqualTheDefinition() {
    var random = RandomSource(seed: 3)
    for (width, height, outputs, taps) in [(9, 5, 4, 3), (70, 1, 33, 7), (1, 8, 5, 1), (30, 30, 1, 30)] {
      let pixels = (0..<width * height * 3).map { _ in UInt8.random(in: 0...255, using: &random) }
      for isColumns in [true, false] {
        let length = isColumns ? width : height
        let used = min(taps, length)
        let starts = ContiguousArray(
          (0..<outputs).map { _ in Int32.random(in: 0...Int32(length - used), using: &random) })
        let values = ContiguousArray(
          (0..<outputs * used).map { _ in Int32.random(in: -1 << 17...1 << 18, using: &random) })
        let weights = ResamplingWeights(taps: used, starts: starts, weights: values)
        let found =
          isColumns ? weights.columns(of: pixels, width: width, rows: height) : weights.rows(of: pixels, width: width)
        var expected: [UInt8] = []
        for row in 0..<(isColumns ? height : outputs) {
          for column in 0..<(isColumns ? outputs : width) {
            for channel in 0..<3 {
              let output = isColumns ? column : row
              let sum = (0..<used).reduce(0) { sum, tap in
                let place = Int(starts[output]) + tap
                let index = isColumns ? row * width + place : place * width + column
                return sum + Int(values[output * used + tap]) * Int(pixels[index * 3 + channel])
              }
              expected.append(byte(sum))
            }
          }
        }
        #expect(found == expected)
      }
    }
  }
}
