// replaced by the first tests of ItemCatalog
