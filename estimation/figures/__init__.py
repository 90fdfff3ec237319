"""What a figure shows, computed: one file a kind, one line each in `FIGURES` of `estimation.registry`."""
