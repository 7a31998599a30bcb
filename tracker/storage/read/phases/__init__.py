"""The queries of phases: their sums by name, and their instances one by one."""
