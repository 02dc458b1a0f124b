// replaced by the first tests of ItemEncoders
