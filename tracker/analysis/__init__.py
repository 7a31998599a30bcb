"""It belongs here if it answers a question about stored runs, as data and never as text."""
