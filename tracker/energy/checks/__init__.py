"""Checks of readings: against the limit of the device, and of one meter against another."""
