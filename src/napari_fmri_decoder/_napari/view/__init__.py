"""The View dock: planes, maps, voxel time courses, headers."""
