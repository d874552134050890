"""The dock Prepare: choose the series, mask it, rotate it, cut a slab."""
