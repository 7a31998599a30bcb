"""Types and units that two or more packages share. Nothing here does I/O."""
