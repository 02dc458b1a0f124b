internal import ItemCatalog

/// Each section's settings as named values, defaults filled in, for fingerprints: writing a default down changes
/// nothing, and a reason can name the key that changed.

extension PipelineConfiguration.Catalog {
  var stageInputs: [StageInput] {
    [
      StageInput(name: "catalog.items", value: items.joined(separator: ", ")),
      StageInput(name: "catalog.imageFolder", value: imageFolder ?? "beside the items"),
      StageInput(name: "catalog.imageRoot", value: imageRoot ?? "the image folder"),
      StageInput(name: "catalog.maxRejectedFraction", value: "\(maxRejectedFraction)"),
      StageInput(name: "catalog.limits.recordBytes", value: describe(recordBytes)),
      StageInput(name: "catalog.limits.imageBytes", value: describe(imageBytes)),
    ]
  }
}

extension PipelineConfiguration.Image {
  var stageInputs: [StageInput] {
    source.stageInputs("encode.image")
  }
}

extension PipelineConfiguration.Represent {
  var stageInputs: [StageInput] {
    [
      StageInput(name: "represent.dimensions", value: "\(dimensions)"),
      StageInput(name: "represent.sampleLimit", value: "\(sampleLimit)"),
    ]
      + weights.sorted { $0.key.rawValue < $1.key.rawValue }.map { modality, weight in
        StageInput(name: "represent.weights.\(modality.rawValue)", value: "\(weight)")
      }
  }
}

extension PipelineConfiguration.Quantize {
  /// What decides about codebooks when they are trained.
  var trainingInputs: [StageInput] {
    [
      StageInput(name: "quantize.method", value: method),
      StageInput(name: "quantize.sizes", value: sizes.map { "\($0)" }.joined(separator: ", ")),
      StageInput(name: "quantize.seed", value: "\(seed)"),
      StageInput(name: "quantize.iterations", value: "\(iterations)"),
      StageInput(name: "quantize.sampleLimit", value: "\(sampleLimit)"),
    ] + autoencoderInputs
  }

  var stageInputs: [StageInput] {
    trainingInputs + [
      StageInput(name: "quantize.refit", value: refit.rawValue),
      StageInput(name: "quantize.driftThreshold", value: refit == .onDrift ? "\(driftThreshold)" : "unused"),
    ] + neighborInputs
  }
}

extension PipelineConfiguration.Resolve {
  var stageInputs: [StageInput] {
    [
      StageInput(name: "resolve.policy", value: policy.rawValue),
      StageInput(name: "resolve.distanceBudget", value: distanceBudget.map { "\($0)" } ?? "none"),
      StageInput(name: "resolve.suffixCapacity", value: "\(suffixCapacity)"),
    ]
  }
}

extension PipelineConfiguration.Publish {
  var stageInputs: [StageInput] { [StageInput(name: "publish.keepGenerations", value: "\(keepGenerations)")] }
}

extension PipelineConfiguration {
  var exportInputs: [StageInput] {
    export.enumerated().flatMap { index, table in
      [
        StageInput(name: "export[\(index)].format", value: table.format),
        StageInput(name: "export[\(index)].path", value: table.path),
      ]
    }
  }
}

private func describe(_ value: Int?) -> String { value.map { "\($0)" } ?? "default" }
