"""Disclosures of a model's energy and emissions, a file for each form."""
