"""Footprints for a scientific paper: a table, a methods paragraph, and its references."""
