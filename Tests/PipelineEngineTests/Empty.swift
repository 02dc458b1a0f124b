// replaced by the first tests of PipelineEngine
