"""The JSON of the work of a run: what it has counted, and its floating-point operations."""
