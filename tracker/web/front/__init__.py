"""It belongs here if it is about the first page of `trainwatt serve`."""
