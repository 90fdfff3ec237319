"""A language server: an editor shows the command line's own messages while a spec is typed."""
