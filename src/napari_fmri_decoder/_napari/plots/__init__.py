"""Plots of the docks: curves, matrices, histograms, points, lines, folds and bands along time."""

from napari_fmri_decoder._napari.palette import class_colors
from napari_fmri_decoder._napari.plots.bands import BandsPlot
from napari_fmri_decoder._napari.plots.curves import CurvesPlot
from napari_fmri_decoder._napari.plots.design import DesignPlot
from napari_fmri_decoder._napari.plots.lines import HistogramPlot, LinePlot
from napari_fmri_decoder._napari.plots.matrix import MatrixPlot
from napari_fmri_decoder._napari.plots.scatter import ScatterPlot
from napari_fmri_decoder._napari.plots.timecourse import Along, TimecoursePlot, starts

__all__ = [
    "Along",
    "BandsPlot",
    "CurvesPlot",
    "DesignPlot",
    "HistogramPlot",
    "LinePlot",
    "MatrixPlot",
    "ScatterPlot",
    "TimecoursePlot",
    "class_colors",
    "starts",
]
