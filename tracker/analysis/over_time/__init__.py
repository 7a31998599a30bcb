"""Runs along the time axis: periods, timelines, and a run while it goes on."""
