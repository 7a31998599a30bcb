"""It belongs here if it is pure arithmetic on readings, energy curves, shares and their ranges."""
