"""A report of one run or several, as one file: HTML that opens offline, or Markdown."""
