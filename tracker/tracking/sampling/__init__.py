"""The sampling thread: it reads the sensors."""
