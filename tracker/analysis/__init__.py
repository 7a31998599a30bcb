"""Answers to questions about stored runs, as data and never as text."""
