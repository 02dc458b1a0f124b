// replaced by the first tests of TableExport
