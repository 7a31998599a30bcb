"""Pure arithmetic on readings, energy curves, shares and their ranges."""
