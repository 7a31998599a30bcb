"""Commands that are run and measured several times, for `trainwatt bench`."""
