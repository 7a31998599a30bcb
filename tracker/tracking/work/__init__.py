"""The code of the user that a run measures: decorated functions, and loops over batches."""
