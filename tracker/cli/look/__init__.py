"""Commands that show stored runs."""
