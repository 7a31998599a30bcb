"""Advice: what runs have lost, in joules and grams, and what to do about it."""
