"""The phases of a run on their way to the store, and their energy."""
