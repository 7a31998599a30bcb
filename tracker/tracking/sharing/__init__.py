"""What the process shares a machine with: other processes, other runs, and the other ranks of its job."""
