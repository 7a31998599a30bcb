"""A model of processors and memory, for machines without a readable sensor."""
