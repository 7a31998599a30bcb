"""It belongs here if it brings a run under way to the sinks that the user has named."""
