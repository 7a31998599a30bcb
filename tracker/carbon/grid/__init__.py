"""Live intensities: one file for each provider, and one line in providers.py. Only `footprint --refresh` asks the providers.

Nothing is imported here: a training imports `whereabouts` from this package, and must not load the providers.
"""
