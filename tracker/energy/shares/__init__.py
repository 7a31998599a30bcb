"""The share of a device's energy that is attributed to some of the processes that use it."""
