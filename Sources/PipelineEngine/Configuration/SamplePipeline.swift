/// The pipeline file that `tessera sample` writes beside its catalogue; `Pipelines/sample.yaml` is the same.
public enum SamplePipeline {
  public static let text = """
    # The sample job: a made-up shop's catalogue becomes semantic IDs.
    #
    #   tessera sample shop            writes a catalogue, and this file beside it
    #   tessera run shop/pipeline.yaml runs the night; run it again and it has nothing to do
    #   tessera sample shop --night 2  the next day: a few items changed, some are new, some are gone
    #   tessera run shop/pipeline.yaml the second night encodes only those
    #
    # Paths are relative to this file. Everything that a run writes lies in the workspace.
    name: sample
    workspace: runs/sample

    catalog:
      items: items.jsonl            # one JSON object per line: id, title, text, image, attributes
      interactions: interactions.csv  # who looked at what; the sections pairs, align and train learn from it
      maxRejectedFraction: 0.05     # the night fails where more than 5 % of the records are bad

    encode:                         # the built-in encoders need no weights and no download
      text: { model: builtin, dimensions: 384 }
      image: { model: builtin }

    represent:
      dimensions: 64                # text and image, fused into one vector

    quantize:
      method: residual-kmeans
      sizes: [32, 32, 32]           # three codes per item, each below 32
      refit: never                  # codebooks stay, so that IDs stay; or on-drift, or always

    resolve:
      policy: relocate              # two items with the same codes: one moves to the nearest free code

    publish:
      keepGenerations: 7            # a week of nights to go back to: tessera rollback

    export:
      - { format: parquet, path: semantic-ids.parquet }

    report: {}                      # report.html and report.json in the run's folder

    """

  /// Writes the file into the catalogue's folder, unless there is one: a person may have changed it.
  public static func write(into folder: String) throws(PipelineError) {
    let path = folder + "/pipeline.yaml"
    if !FileSystem.exists(path) { try FileSystem.write(text, to: path) }
  }
}
