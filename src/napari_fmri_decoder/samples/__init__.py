"""Scans to samples: labels, masks, preparation, splits, scaling, audit; and the sample data."""
