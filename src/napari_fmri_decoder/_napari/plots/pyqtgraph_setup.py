"""Let pyqtgraph use the Qt binding of napari, and say how to install it if it is missing.

Imported before anything else of this package, because pyqtgraph chooses its binding when it is imported.
"""

from __future__ import annotations

import os

import qtpy

os.environ["PYQTGRAPH_QT_LIB"] = qtpy.API_NAME

try:
    import pyqtgraph as pyqtgraph
except ImportError as error:
    raise ImportError("The plots need pyqtgraph: pip install 'napari-fmri-decoder[all]'.") from error
