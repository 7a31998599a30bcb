"""The instances of phases, one by one: as a table for a terminal, and as a table with charts."""
