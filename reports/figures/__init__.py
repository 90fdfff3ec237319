"""One file a kind of figure, one line each in `reports.figures.registry`."""
