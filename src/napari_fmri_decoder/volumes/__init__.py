"""Images in scanner space: reading, resampling and writing, with numpy, scipy and nibabel only."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
