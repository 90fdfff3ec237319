"""Instrumental variables: two-stage least squares, what its instruments are worth, and what holds if they are weak."""
