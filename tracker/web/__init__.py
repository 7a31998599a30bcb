"""It belongs here if it answers an HTTP request: the read-only pages of `trainwatt serve`."""
