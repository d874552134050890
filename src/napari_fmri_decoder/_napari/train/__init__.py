"""The dock Train: set up a run, start it, follow it, stop it."""
