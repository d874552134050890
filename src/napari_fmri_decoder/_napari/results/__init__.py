"""Results of a finished run in the viewer: predictions, filter activations, the headline score."""
