"""Training: a generator of small events, read alike by notebook, command and dock."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
