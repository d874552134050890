"""The session of one viewer: what the docks share, and how the viewer shows it."""
