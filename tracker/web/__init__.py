"""The read-only pages of `trainwatt serve`."""
