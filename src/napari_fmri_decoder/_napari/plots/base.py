"""What all plots share: colours of napari's theme, a legend, what the mouse says, and saving."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Container, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qtpy
from qtpy.QtCore import QBuffer, QEvent, QIODevice, QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QAction, QColor, QContextMenuEvent, QMouseEvent, QPainter, QShowEvent, QWheelEvent
from qtpy.QtSvg import QSvgGenerator
from qtpy.QtWidgets import (
    QFileDialog,
    QGraphicsTextItem,
    QGraphicsView,
    QHBoxLayout,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.palette import RGBA, hex_color
from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

os.environ["PYQTGRAPH_QT_LIB"] = qtpy.API_NAME  # before pyqtgraph is imported: one Qt binding only

try:
    import pyqtgraph as pg
    from pyqtgraph.exporters import Exporter, ImageExporter
except ImportError as error:
    raise ImportError("The plots need pyqtgraph: pip install 'napari-fmri-decoder[all]'.") from error

MARGIN = 14
"""Pixels to the right of the panes, for the half of the last number."""

SAVED_SCALE = 3
"""Pixels of a saved picture for one on the screen."""


class _View(pg.GraphicsLayoutWidget):  # type: ignore[misc]
    """The scene: takes the wheel only where it was clicked first, so that a dock can be scrolled."""

    zoomable = False

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom, or pass the wheel on to the dock."""
        if self.zoomable and self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show everything again."""
        super().mouseDoubleClickEvent(event)
        if self.zoomable:
            self.parent().reset_range()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer to save."""
        self.parent().menu.popup(event.globalPos())
        event.accept()


class Legend(pg.GraphicsWidget):  # type: ignore[misc]
    """Names with their colours, wrapped to the width of the plot, which grows by their height."""

    def __init__(self, view: _View, plain_height: int) -> None:
        super().__init__()
        self._view, self._plain_height, self._height = view, plain_height, -1.0
        self._text = QGraphicsTextItem(self)

    def show_names(self, colors: Mapping[str, str], ink: str, dashed: Container[str] = ()) -> None:
        """Show each name behind a square of its colour, or a dashed line."""
        parts = (
            f'<span style="color:{color}">{"╌╌" if name in dashed else "■"}</span>&nbsp;'
            f"{escape(name).replace(' ', '&nbsp;')}&nbsp;&nbsp; "
            for name, color in colors.items()
        )
        self._text.setHtml(f'<div style="color:{ink}">{"".join(parts)}</div>' if colors else "")
        self.resizeEvent(None)

    def set_plain_height(self, height: int) -> None:
        """Set the height of the view without the legend."""
        self._plain_height = height
        self._view.setMinimumHeight(height + int(max(self._height, 0)))

    def resizeEvent(self, event: Any) -> None:
        """Wrap anew."""
        self._text.setTextWidth(self.size().width())
        height = self._text.boundingRect().height() if self._text.toPlainText() else 0.0
        if height != self._height:
            self._height = height
            self.setFixedHeight(height)
            self.set_plain_height(self._plain_height)


class Plot(QWidget):
    """Base of the plots: keeps its data, and draws all of it in the colours of napari's theme.

    Attributes
    ----------
    hint : QElidingLabel
        One line beneath: what is under the mouse.
    menu : QMenu
        "Save picture…" and "Save table…".
    """

    def __init__(self, parent: QWidget | None = None, height: int = 200) -> None:
        super().__init__(parent)
        self.ink = "#f0f1f2"
        self.view = _View(self)
        self.view.setBackground(None)
        self.view.setCacheMode(QGraphicsView.CacheModeFlag.CacheNone)  # it would keep the old theme's paper
        self.view.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.view.ci.layout.setContentsMargins(0, 8, MARGIN, 3)
        self.view.ci.layout.setSpacing(6)
        self.legend = Legend(self.view, height)
        self.legend.set_plain_height(height)
        self._panes: list[Any] = []
        self.hint = QElidingLabel()
        self.hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.menu = QMenu(self)
        for name, text, slot in (
            ("save_picture", "Save picture…", self._ask_picture),
            ("save_table", "Save table…", self._ask_table),
        ):
            action = QAction(text, self.menu)
            action.setObjectName(name)
            action.triggered.connect(slot)
            self.menu.addAction(action)
        self.saving = QToolButton()
        self.saving.setText("Save…")
        self.saving.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.saving.setToolTip("Save the picture (.png, .svg) or its numbers (.csv)")
        self.saving.setMenu(self.menu)
        self.saving.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.bar = QHBoxLayout()
        self.bar.addWidget(self.hint, 1)
        self.bar.addWidget(self.saving)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(2)
        self.column.addWidget(self.view, 1)
        self.column.addLayout(self.bar)
        scene = self.view.scene()
        scene.sigMouseMoved.connect(self._moved)
        scene.sigMouseClicked.connect(self._pressed)

    # For those who make a plot

    def add_pane(self, x: str, y: str, axes: Mapping[str, Any] | None = None) -> Any:
        """Add a pane beneath the others, with the names of its axes."""
        pane = self.view.addPlot(row=len(self._panes), col=0, axisItems=dict(axes or {}))
        pane.setMenuEnabled(False)
        pane.hideButtons()
        pane.setMouseEnabled(False, False)
        pane.setLabel("bottom", x)
        pane.setLabel("left", y)
        for side in ("bottom", "left"):
            pane.getAxis(side).enableAutoSIPrefix(False)
            pane.getAxis(side).setStyle(maxTickLevel=0, hideOverlappingLabels=MARGIN)
        self._panes.append(pane)
        return pane

    def add_legend(self) -> None:
        """Put the legend beneath the panes."""
        self.view.addItem(self.legend, row=len(self._panes), col=0)

    @abstractmethod
    def draw(self) -> None:
        """Draw all data, with `ink` for what is neither data nor paper."""

    @abstractmethod
    def table(self) -> pd.DataFrame:
        """The numbers that are drawn."""

    def reset_range(self) -> None:
        """Show everything."""

    def describe(self, x: float, y: float, pane: int) -> str:
        """Say what lies at (x, y) of a pane, in data units."""
        return ""

    def click(self, x: float, y: float, pane: int) -> None:
        """Do what a click at (x, y) of a pane means."""

    # Saving

    def save(self, path: str | Path) -> None:
        """Save the picture in black on white.

        Parameters
        ----------
        path : str or Path
            Ends with .png or .svg.

        Raises
        ------
        InputError
            If it ends otherwise.
        OSError
            If it cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() not in (".png", ".svg"):
            raise InputError(
                f"A picture must be saved as .png or .svg, got '{path.name}'. Give it one of these endings."
            )
        if not self.isVisible():
            self.grab()  # lays it out
        ink = self.ink
        self.set_ink("#000000")
        try:
            path.write_bytes(self._svg() if path.suffix.lower() == ".svg" else self._png())
        finally:
            self.set_ink(ink)

    def save_table(self, path: str | Path) -> None:
        """Save the numbers as comma-separated values.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        self.table().to_csv(path, index=False)

    def _png(self) -> bytes:
        exporter = ImageExporter(self.view.scene())
        exporter.params["background"] = QColor("white")
        exporter.params["width"] = int(self.view.width() * SAVED_SCALE)
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        exporter.export(toBytes=True).save(buffer, "PNG")
        return bytes(buffer.data().data())

    def _svg(self) -> bytes:
        # Qt's own writer: pyqtgraph's fails on curved paths
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        writer = QSvgGenerator()
        writer.setOutputDevice(buffer)
        writer.setResolution(self.view.logicalDpiX())  # or the axes, which are recorded, shrink
        writer.setSize(self.view.size())
        writer.setViewBox(self.view.rect())
        painter = QPainter(writer)
        painter.fillRect(self.view.rect(), QColor("white"))
        exporter = Exporter(self.view.scene())
        exporter.setExportMode(
            True,
            {"antialias": True, "painter": painter, "background": QColor("white"), "resolutionScale": 1.0},
        )
        try:
            self.view.scene().render(painter, QRectF(self.view.rect()), self.view.viewRect())
        finally:
            exporter.setExportMode(False)
            painter.end()
        return bytes(buffer.data().data())

    @guard()
    def _ask_picture(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save picture", "", "PNG (*.png);;SVG (*.svg)")
        if path:
            self.save(path)

    @guard()
    def _ask_table(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save table", "", "Comma-separated values (*.csv)")
        if path:
            self.save_table(path)

    # Theme and mouse

    def set_ink(self, ink: str) -> None:
        """Draw axes and texts in another colour, "#rrggbb"."""
        self.ink = ink
        for pane in self._panes:
            for side in ("bottom", "left"):
                axis = pane.getAxis(side)
                axis.setPen(ink)
                axis.setTextPen(ink)
                axis.setLabel(axis.labelText, **{**axis.labelStyle, "color": ink})
        self.draw()

    @property
    def dark(self) -> bool:
        """Whether the paper is dark."""
        return QColor(self.ink).lightness() > 127

    def showEvent(self, event: QShowEvent | None) -> None:
        """Take the colour of the text from the theme."""
        super().showEvent(event)
        self._follow_theme()

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow a change of the theme."""
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self._follow_theme()

    def _follow_theme(self) -> None:
        if hasattr(self, "hint") and self.isVisible():
            ink = self.hint.palette().windowText().color().name()
            if ink != self.ink:
                self.set_ink(ink)

    def sizeHint(self) -> QSize:
        """Wide enough for a dock, no wider."""
        return QSize(320, super().sizeHint().height())

    def _find(self, position: QPointF) -> tuple[float, float, int] | None:
        for i, pane in enumerate(self._panes):
            if pane.vb.sceneBoundingRect().contains(position):
                point = pane.vb.mapSceneToView(position)
                return point.x(), point.y(), i
        return None

    def _moved(self, position: QPointF) -> None:
        found = self._find(position)
        text = self.describe(*found) if found else ""
        self.hint.setText(text)
        self.hint.setToolTip(text)

    def _pressed(self, event: Any) -> None:
        found = self._find(event.scenePos())
        if found and event.button() == Qt.MouseButton.LeftButton:
            self.click(*found)


def css(color: RGBA | str) -> str:
    """A colour as "#rrggbb"."""
    return color if isinstance(color, str) else hex_color(color)
