"""A model of processors and memory, used where no sensor can be read."""
