"""Base class of the plots: napari's theme, a legend, the value under the mouse, and saving."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QPointF, QSize, Qt
from qtpy.QtGui import QAction, QColor
from qtpy.QtWidgets import (
    QFileDialog,
    QGraphicsView,
    QHBoxLayout,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_fmri_decoder._napari.plots.export import png_bytes, svg_bytes
from napari_fmri_decoder._napari.plots.graphics_view import GraphicsView, Legend
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.palette import RGBA, hex_color

if TYPE_CHECKING:
    import pandas as pd
    from qtpy.QtGui import QShowEvent

MARGIN = 14
"""Pixels to the right of the panes, for half of the last tick label."""


class Plot(QWidget):
    """Keeps its data, and draws all of it in the colors of napari's theme.

    Attributes
    ----------
    ink : str
        Color of axes and texts, "#rrggbb".
    legend : Legend
    panes : list of PlotItem
        From top to bottom.
    hint : QElidingLabel
        A line below the plot that describes what is under the mouse.
    menu : QMenu
        "Save picture…" and "Save table…".
    """

    def __init__(self, parent: QWidget | None = None, height: int = 200) -> None:
        super().__init__(parent)
        self.ink = "#f0f1f2"
        self.view = GraphicsView(self)
        self.view.setBackground(None)
        self.view.setCacheMode(
            QGraphicsView.CacheModeFlag.CacheNone
        )  # a cache would keep the background of the old theme
        self.view.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.view.ci.layout.setContentsMargins(0, 8, MARGIN, 3)
        self.view.ci.layout.setSpacing(6)
        self.legend = Legend(self.view, height)
        self.legend.set_plain_height(height)
        self.panes: list[Any] = []
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
        self.saving.setToolTip("Save the picture (.png, .svg) or its data (.csv)")
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
        scene.sigMouseMoved.connect(self._on_mouse_moved)
        scene.sigMouseClicked.connect(self._on_clicked)

    # For subclasses

    def add_pane(self, x: str, y: str, axes: Mapping[str, Any] | None = None) -> Any:
        """Add a pane below the others, with labels of its axes."""
        pane = self.view.addPlot(row=len(self.panes), col=0, axisItems=dict(axes or {}))
        pane.setMenuEnabled(False)
        pane.hideButtons()
        pane.setMouseEnabled(False, False)
        pane.setLabel("bottom", x)
        pane.setLabel("left", y)
        for side in ("bottom", "left"):
            pane.getAxis(side).enableAutoSIPrefix(False)
            pane.getAxis(side).setStyle(maxTickLevel=0, hideOverlappingLabels=MARGIN)
        self.panes.append(pane)
        return pane

    def add_legend(self) -> None:
        """Add the legend below the panes."""
        self.view.addItem(self.legend, row=len(self.panes), col=0)

    @abstractmethod
    def draw(self) -> None:
        """Draw all data, and axes and texts in `ink`."""

    @abstractmethod
    def table(self) -> pd.DataFrame:
        """The data that are drawn."""

    def reset_range(self) -> None:
        """Show all data."""

    def describe(self, x: float, y: float, pane: int) -> str:
        """Describe the data at (x, y) of a pane, in data units."""
        return ""

    def say(self, text: str) -> None:
        """Show a text below the plot; its tooltip has all of it, if it is too long for the dock."""
        self.hint.setText(text)
        self.hint.setToolTip(text)

    def click(self, x: float, y: float, pane: int) -> None:
        """Handle a click at (x, y) of a pane, in data units."""

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
            If it ends with anything else.
        OSError
            If it cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() not in (".png", ".svg"):
            raise InputError(
                f"A picture must be saved as .png or .svg, but the name is '{path.name}'. "
                "Use one of these extensions."
            )
        if not self.isVisible():
            self.grab()  # computes the layout
        ink = self.ink
        self.set_ink("#000000")
        try:
            path.write_bytes(svg_bytes(self.view) if path.suffix.lower() == ".svg" else png_bytes(self.view))
        finally:
            self.set_ink(ink)

    def save_table(self, path: str | Path) -> None:
        """Save the data as comma-separated values.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        self.table().to_csv(path, index=False)

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
        """Set the color of axes and texts, "#rrggbb"."""
        self.ink = ink
        for pane in self.panes:
            for side in ("bottom", "left"):
                axis = pane.getAxis(side)
                axis.setPen(ink)
                axis.setTextPen(ink)
                axis.setLabel(axis.labelText, **{**axis.labelStyle, "color": ink})
        self.draw()

    @property
    def dark(self) -> bool:
        """Whether the background is dark."""
        return QColor(self.ink).lightness() > 127

    def showEvent(self, event: QShowEvent | None) -> None:
        """Use the text color of the theme."""
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
        """Ask for the width of a dock, and for the height that the panes need."""
        return QSize(320, self.minimumSizeHint().height())

    def _locate(self, position: QPointF) -> tuple[float, float, int] | None:
        for i, pane in enumerate(self.panes):
            if pane.vb.sceneBoundingRect().contains(position):
                point = pane.vb.mapSceneToView(position)
                return point.x(), point.y(), i
        return None

    def _on_mouse_moved(self, position: QPointF) -> None:
        found = self._locate(position)
        self.say(self.describe(*found) if found else "")

    def _on_clicked(self, event: Any) -> None:
        found = self._locate(event.scenePos())
        if found and event.button() == Qt.MouseButton.LeftButton:
            self.click(*found)


def css(color: RGBA | str) -> str:
    """Write a color as "#rrggbb"."""
    return color if isinstance(color, str) else hex_color(color)
