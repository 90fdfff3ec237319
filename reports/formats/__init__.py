"""One file a table format, one line each in `reports.formats.registry`."""
