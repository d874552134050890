"""The recipe: a whole run as one validated, frozen object; read from TOML and written to TOML.

The docks, the command line and notebooks all create and run the same recipe.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
