// replaced by the first tests of EndToEnd
