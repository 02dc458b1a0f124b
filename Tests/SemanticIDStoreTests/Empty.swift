// replaced by the first tests of SemanticIDStore
