"""Words that all documents share."""
