"""The Labels dock: labels and runs of volumes, and z-maps."""
