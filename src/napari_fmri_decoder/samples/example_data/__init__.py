"""Example data: a simulated scan (the phantom), simulated z-maps, and open data to download."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
