// replaced by the first tests of NeuralNetworks
