"""How long a test waits for what must come: a guard against hanging, never a measure of speed."""

HANG_S = 240
"""Seconds; far beyond what a busy machine of one core takes."""
HANG_MS = 1000 * HANG_S
