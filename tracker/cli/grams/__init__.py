"""Commands about grams."""
