// ItemEncoders
