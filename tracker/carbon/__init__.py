"""From joules to grams: the grid's intensity by zone and hour, the hardware's share, and how sure of it anyone can be."""
