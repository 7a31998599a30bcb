"""Words that several documents share."""
