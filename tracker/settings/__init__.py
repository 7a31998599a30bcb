"""It belongs here if it finds files of settings, and decides what in them is followed."""
