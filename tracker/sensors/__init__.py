"""It belongs here if it finds and reads one make of meter: one package or file for each make, one line in discovery.py."""
