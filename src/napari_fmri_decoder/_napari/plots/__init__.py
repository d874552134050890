"""Plots of the docks: learning curves, confusion matrices, histograms, points, folds, bands, time courses."""

import napari_fmri_decoder._napari.plots.pyqtgraph_setup  # noqa: F401  before pyqtgraph is imported
from napari_fmri_decoder._napari.plots.bands import BandsPlot
from napari_fmri_decoder._napari.plots.curves import CurvesPlot
from napari_fmri_decoder._napari.plots.design import DesignPlot
from napari_fmri_decoder._napari.plots.lines import HistogramPlot, LinePlot
from napari_fmri_decoder._napari.plots.matrix import MatrixPlot
from napari_fmri_decoder._napari.plots.scatter import ScatterPlot
from napari_fmri_decoder._napari.plots.spans import starts
from napari_fmri_decoder._napari.plots.timecourse import TimecoursePlot, VolumeAnnotations
from napari_fmri_decoder.evaluation.palette import class_colors

__all__ = [
    "BandsPlot",
    "CurvesPlot",
    "DesignPlot",
    "HistogramPlot",
    "LinePlot",
    "MatrixPlot",
    "ScatterPlot",
    "TimecoursePlot",
    "VolumeAnnotations",
    "class_colors",
    "starts",
]
