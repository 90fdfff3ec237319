"""What `tfplab new` writes: a commented spec with the column names of the user's own files."""
