"""It belongs here if it is about a model's whole life: its stages, what was not measured, and the inference that is planned."""
