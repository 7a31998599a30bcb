"""It belongs here if the sinks of several experiment loggers share it."""
