"""What a training will have used at its end, from its epochs so far."""
