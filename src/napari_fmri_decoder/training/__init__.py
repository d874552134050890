"""Training: a generator of small events, read alike by notebook, command and dock."""
