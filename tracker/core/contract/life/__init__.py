"""The JSON of a model's whole life."""
