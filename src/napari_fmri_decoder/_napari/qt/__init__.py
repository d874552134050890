"""Widgets, jobs and messages that all docks use."""
