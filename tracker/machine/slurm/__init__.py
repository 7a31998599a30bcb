"""The job of Slurm that this process is in, and its command `sacct`."""
