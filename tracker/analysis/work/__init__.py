"""The work that runs have counted: their energy per unit of it, and their floating-point operations beside the peak of their GPUs."""
