"""Index numbers from cost shares."""
