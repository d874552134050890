"""Linear decoders fitted at many centers and on all folds as one computation."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
