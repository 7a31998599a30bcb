"""Commands about a model's whole life."""
