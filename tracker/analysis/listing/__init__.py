"""Lists of runs: their order, by figures that the database does not have as columns."""
