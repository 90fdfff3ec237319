"""One file a productivity estimator, one line each in `estimation.registry`."""
