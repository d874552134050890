"""Centers: places in the brain, each with a set of voxels that is decoded by itself."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
