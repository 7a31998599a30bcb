"""The first page of `serve`: what trains now, this month, and the last sweeps."""
