// Quantizers
