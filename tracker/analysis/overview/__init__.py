"""What a team looks at first: what trains now, what this month came to, and the last sweeps."""
