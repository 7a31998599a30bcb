"""Runs over time: periods, timelines, and runs that are still running."""
