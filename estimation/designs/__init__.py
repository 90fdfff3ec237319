"""One file a design, one line each in `estimation.registry`."""
