"""Runs whose database could not be written at their end: each is kept in a file of its own, and taken in later."""
