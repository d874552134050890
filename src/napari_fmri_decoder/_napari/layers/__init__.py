"""napari layers of volumes, and back: data, place, names and colors."""
