"""Complete workflows: recipe to run folder, image to slab, model and scan to predictions."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
