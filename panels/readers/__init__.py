"""One file a source format, one registry line each (`panels.readers.registry`)."""
