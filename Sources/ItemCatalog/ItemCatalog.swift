// ItemCatalog
