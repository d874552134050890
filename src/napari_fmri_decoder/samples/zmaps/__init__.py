"""Z-maps: the response of each voxel to each condition of a run, or to each trial."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
