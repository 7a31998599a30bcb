"""What a run had of the nodes of its Slurm job, and what Slurm has recorded of it."""
