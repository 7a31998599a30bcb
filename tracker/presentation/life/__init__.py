"""A model's life as text: a table for a terminal, and Markdown."""
