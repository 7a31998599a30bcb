"""Footprints as what a scientific paper needs: a table, a methods paragraph, and what it cites."""
