// replaced by the first tests of Quantizers
