internal import CVectorKernels

/// Attention where a segment has few keys: rows are read where they are, since to pack them would take longer than their
/// products.
extension AttentionShape {
  /// Keys up to which that is faster.
  private static let mostKeys = 24

  func isShort(_ segment: AttentionLayout.Segment) -> Bool {
    segment.keys.count <= Self.mostKeys && headWidth % 16 == 0
  }

  func attendShort(
    _ segment: AttentionLayout.Segment, _ q: StridedRows, _ k: StridedRows, _ v: StridedRows,
    into output: UnsafeMutablePointer<Float>, _ scratch: inout AttentionScratch
  ) {
    unsafe withShort(segment, q, k, v, &scratch) { attention in
      unsafe tessera_short_attention(attention, output + segment.queries.lowerBound * width, width)
    }
  }

  func addShortGradients(
    _ segment: AttentionLayout.Segment, _ q: StridedRows, _ k: StridedRows, _ v: StridedRows, _ outer: StridedRows,
    _ dq: GradientRows, _ dk: GradientRows, _ dv: GradientRows, _ scratch: inout AttentionScratch
  ) {
    unsafe withShort(segment, q, k, v, &scratch) { attention in
      let (first, key) = (segment.queries.lowerBound, segment.keys.lowerBound)
      var gradients = unsafe tessera_attention_gradients(
        queries: dq.row(first), keys: dk.row(key), values: dv.row(key), query_stride: dq.stride, key_stride: dk.stride,
        value_stride: dv.stride)
      unsafe outer.withRow(first) { outer in
        unsafe tessera_short_attention_gradients(attention, outer, width, &gradients)
      }
    }
  }

  private func withShort(
    _ segment: AttentionLayout.Segment, _ q: StridedRows, _ k: StridedRows, _ v: StridedRows,
    _ scratch: inout AttentionScratch, _ body: (UnsafePointer<tessera_attention>) -> Void
  ) {
    guard !segment.queries.isEmpty else { return }
    scratch.visible.removeAll(keepingCapacity: true)
    for row in segment.queries { scratch.visible.append(Int32(layout.visibleKeys(segment, row: row))) }
    unsafe scratch.visible.withUnsafeBufferPointer { visible in
      unsafe q.withRow(segment.queries.lowerBound) { queries in
        unsafe k.withRow(segment.keys.lowerBound) { keys in
          unsafe v.withRow(segment.keys.lowerBound) { values in
            var attention = unsafe tessera_attention(
              queries: queries, keys: keys, values: values, query_stride: q.matrix.columns,
              key_stride: k.matrix.columns, value_stride: v.matrix.columns, query_count: segment.queries.count,
              heads: heads, head_width: headWidth, visible: visible.baseAddress!, scale: scale)
            unsafe body(&attention)
          }
        }
      }
    }
  }
}
