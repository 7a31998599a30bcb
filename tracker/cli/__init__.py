"""It belongs here if it is a command, or is shared by commands only: `track/` measures, `look/` shows runs, `grams/` shows footprints."""
