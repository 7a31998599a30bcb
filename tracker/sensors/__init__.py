"""Meters: each package here finds and reads one make of them, and discovery.py lists them all."""
