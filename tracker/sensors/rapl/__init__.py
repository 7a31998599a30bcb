"""Processors and memory, read through the kernel's powercap tree (RAPL)."""
