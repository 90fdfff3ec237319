"""The JSON schema of specs, for editors: which keys there are where, what they mean, what may stand there."""
