"""It belongs here if it makes runs of figures that the tracker did not measure: estimates, and the files of other tools."""
