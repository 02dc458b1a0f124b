// SemanticIDStore
