"""Runs compared with each other, one a side or several, and gates."""
