"""The tour: eight stops from data to activations, each at its control."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QFrame, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.qt.docks import go_to
from napari_fmri_decoder._napari.qt.sections import native_row, text_label

if TYPE_CHECKING:
    from qtpy.QtGui import QKeyEvent

    from napari_fmri_decoder._napari.qt.dock import Dock
    from napari_fmri_decoder._napari.qt.frame import DockName

WIDTH, GAP = 420, 16
"""Of the panel, and from the edges of the window, in pixels."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A control, and what it does."""

    dock: DockName
    control: str
    text: str


STOPS = (
    Stop(
        "View",
        "sample_phantom",
        "A sample opens with all settings. Your own data open with the buttons above.",
    ),
    Stop("Prepare", "series", "The series is decoded: one sample per volume. The anatomy is its background."),
    Stop(
        "Prepare", "mask_strategy", "The mask chooses the voxels. Apply it, and it appears over the anatomy."
    ),
    Stop(
        "Prepare", "rotate_x", "Rotate the head until the planes of the slab contain what you want to decode."
    ),
    Stop("Labels", "source", "The source of the labels gives each volume its label and run."),
    Stop(
        "Train",
        "decoder.name_",
        "Choose the network. Everything else has a default; Advanced holds the rest.",
    ),
    Stop("Train", "train_button", "Train holds out each run once. Check shows first what the run will do."),
    Stop(
        "Look inside", "page", "Layers and filters, predictions and confusion matrices of the finished run."
    ),
)


class Tour(QObject):
    """Visits controls, one after the other; changes nothing.

    Parameters
    ----------
    dock : Dock
        The View dock; the tour ends with it.

    Attributes
    ----------
    panel : TourPanel or None
        Shown during the tour.
    at : int
        Index of the present stop.
    """

    def __init__(self, dock: Dock) -> None:
        super().__init__(dock.native)
        self._dock = dock
        self.panel: TourPanel | None = None
        self.at = 0
        dock.life.closed.connect(self.end)

    def start(self) -> None:
        """Go to the first stop."""
        self.end()
        self.panel = TourPanel(self, self._dock.native.window())
        self.show(0)

    def show(self, number: int) -> None:
        """Go to a stop; beyond the last one, the tour ends."""
        if self.panel is None or number >= len(STOPS):
            self.end()
            return
        self.at = max(number, 0)
        stop = STOPS[self.at]
        go_to(self._dock.viewer, stop.dock, stop.control)
        self.panel.describe(self.at, stop)

    def next(self) -> None:
        """Go to the next stop."""
        self.show(self.at + 1)

    def back(self) -> None:
        """Go to the stop before."""
        self.show(self.at - 1)

    def end(self) -> None:
        """End the tour."""
        panel, self.panel = self.panel, None
        if panel is not None:
            panel.hide()
            panel.deleteLater()


class TourPanel(QFrame):
    """The text of a stop, with Back, Next and End, over the lower left of the window."""

    def __init__(self, tour: Tour, window: QWidget) -> None:
        super().__init__(window)
        self._tour, self._window = tour, window
        self.setObjectName("tour_panel")
        self.setAccessibleName("Tour")
        self.setAutoFillBackground(True)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.text = text_label(name="tour_text")
        self.back = push_button("tour_back", "Back", "Go to the stop before.")
        self.next = push_button("tour_next", "Next", "Go to the next stop.")
        self.end = push_button("tour_end", "End", "End the tour.")
        for button, slot in ((self.back, tour.back), (self.next, tour.next), (self.end, tour.end)):
            button.changed.connect(slot)
        rows = QVBoxLayout(self)
        rows.addWidget(self.text)
        rows.addWidget(native_row(self.back.native, self.next.native, self.end.native))
        window.installEventFilter(self)

    def describe(self, number: int, stop: Stop) -> None:
        """Show the text of a stop; Enter or Space then continues."""
        last = number == len(STOPS) - 1
        self.text.setText(f"<b>{number + 1} of {len(STOPS)}, {stop.dock}.</b> {stop.text}")
        self.back.enabled = number > 0
        self.next.text = "Finish" if last else "Next"
        self._place()
        self.show()
        self.raise_()
        self.next.native.setFocus(Qt.FocusReason.TabFocusReason)

    def _place(self) -> None:
        height = self.heightForWidth(WIDTH)
        self.resize(WIDTH, max(height, self.sizeHint().height()))
        self.move(GAP, self._window.height() - self.height() - 3 * GAP)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Escape ends the tour; Enter and the right arrow continue, the left arrow goes back."""
        key = event.key() if event is not None else None
        if key == Qt.Key.Key_Escape:
            self._tour.end()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Right):
            self._tour.next()
        elif key == Qt.Key.Key_Left:
            self._tour.back()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Stay in the corner when the window is resized."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self._place()
        return False
