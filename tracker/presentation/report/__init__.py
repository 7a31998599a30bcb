"""A run, or several side by side, as one file to read: HTML that opens offline, or Markdown."""
