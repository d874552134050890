"""Tests of a map: whether it shows what the network has learned, and where."""
