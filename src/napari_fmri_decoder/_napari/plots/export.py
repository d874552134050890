"""Write a plot as PNG or SVG, on white."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqtgraph.exporters import Exporter, ImageExporter
from qtpy.QtCore import QBuffer, QIODevice, QRectF
from qtpy.QtGui import QColor, QPainter
from qtpy.QtSvg import QSvgGenerator

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.plots.graphics_view import GraphicsView

SAVED_SCALE = 3
"""Pixels of a saved picture per pixel on the screen."""


def png_bytes(view: GraphicsView) -> bytes:
    """Render a view as PNG."""
    exporter = ImageExporter(view.scene())
    exporter.params["background"] = QColor("white")
    exporter.params["width"] = int(view.width() * SAVED_SCALE)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    exporter.export(toBytes=True).save(buffer, "PNG")
    return bytes(buffer.data().data())


def svg_bytes(view: GraphicsView) -> bytes:
    """Render a view as SVG, with Qt's writer, because pyqtgraph's fails on curved paths."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QSvgGenerator()
    writer.setOutputDevice(buffer)
    writer.setResolution(view.logicalDpiX())  # else the axes, which are recorded, shrink
    writer.setSize(view.size())
    writer.setViewBox(view.rect())
    painter = QPainter(writer)
    painter.fillRect(view.rect(), QColor("white"))
    exporter = Exporter(view.scene())
    exporter.setExportMode(
        True,
        {"antialias": True, "painter": painter, "background": QColor("white"), "resolutionScale": 1.0},
    )
    try:
        view.scene().render(painter, QRectF(view.rect()), view.viewRect())
    finally:
        exporter.setExportMode(False)
        painter.end()
    return bytes(buffer.data().data())
