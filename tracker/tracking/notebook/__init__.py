"""The cell of a notebook that shows a run while it goes on."""
