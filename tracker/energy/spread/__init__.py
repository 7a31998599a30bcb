"""How much equal runs differ from each other, and what this says about a difference between two sets of runs."""
