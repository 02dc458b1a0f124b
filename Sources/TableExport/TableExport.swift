// TableExport
