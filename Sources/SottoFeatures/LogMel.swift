// Log-mel features.
