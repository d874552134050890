"""The Look inside dock: scores, predictions, filters and plots of a run."""
