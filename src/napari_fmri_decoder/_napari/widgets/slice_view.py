"""One of the linked views: a picture of a plane with letters and a crosshair that the mouse moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFont, QImage, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_fmri_decoder._napari import crosshair, letters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from qtpy.QtGui import QMouseEvent, QPaintEvent, QResizeEvent, QWheelEvent

    from napari_fmri_decoder._napari.slices import Window
    from napari_fmri_decoder._napari.view import Plane

_GAP = 5  # pixels about the crosshair that stay free
_NOTCH = 120  # what the wheel counts for one step
_DRAGS = Qt.MouseButton.RightButton | Qt.MouseButton.MiddleButton


class SliceView(QWidget):
    """Paints a plane.

    Attributes
    ----------
    plane : {"axial", "coronal", "sagittal"}
    shown : Window or None
        What part of the plane is shown.
    image : (height, width, 4) uint8 array or None
        As it was composed, without letters and crosshair.
    pointed : Signal
        Sent with the place under the mouse, in pixels of `shown`, on a click and while it drags.
    stepped : Signal
        Sent with the number of slices that the wheel was turned by.
    zoomed : Signal
        Sent with the notches that the wheel was turned by with Ctrl, and where, in pixels of `shown`.
    panned : Signal
        Sent with the pixels that the right or middle button dragged by, to the right and down.
    resized : Signal
    """

    pointed = Signal(float, float)
    stepped = Signal(int)
    zoomed = Signal(float, float, float)
    panned = Signal(float, float)
    resized = Signal()

    def __init__(self, plane: Plane) -> None:
        super().__init__()
        self.plane = plane
        self.setObjectName(f"slice_{plane}")
        self.setToolTip(
            f"<p>The {plane} slice through the crosshair. Click or drag moves the crosshair, the wheel steps "
            "through slices. With Ctrl the wheel zooms all planes; the right button then drags them.</p>"
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(150, 150)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.shown: Window | None = None
        self.image: NDArray[np.uint8] | None = None
        self.letters: dict[str, str] = {}
        self._cross: tuple[float, float] | None = None
        self._turned = 0
        self._held: QPointF | None = None  # where it was last dragged to

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height in the pixels of the screen."""
        ratio = self.devicePixelRatioF()
        return max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))

    def show_picture(
        self,
        image: NDArray[np.uint8],
        window: Window,
        letters: dict[str, str],
        cross: tuple[float, float] | None,
    ) -> None:
        """Show a picture.

        Parameters
        ----------
        image : (height, width, 4) uint8 array
        window : Window
            That it was composed for.
        letters : dict of str
            At "left", "right", "top", "bottom".
        cross : (2,) tuple of float or None
            Where the crosshair is, in pixels of the picture; None to leave it out.
        """
        self.image, self.shown, self.letters, self._cross = image, window, letters, cross
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self.image, self.shown, self._cross = None, None, None
        self.letters = {}
        self.update()

    def sizeHint(self) -> QSize:
        """Two of them fit beside one another into a dock."""
        return QSize(185, 185)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw picture, crosshair and letters."""
        painter = QPainter(self)
        if self.image is None:
            painter.fillRect(self.rect(), QColor(0, 0, 0))
            painter.setPen(QColor(150, 150, 150))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.plane)
            painter.end()
            return
        height, width = self.image.shape[:2]
        data: Any = self.image.data  # copied nowhere: the array lives as long as this widget shows it
        picture = QImage(data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
        painter.drawImage(QRectF(self.rect()), picture, QRectF(0, 0, width, height))
        if self._cross is not None:
            self._draw_cross(
                painter, self._cross[0] * self.width() / width, self._cross[1] * self.height() / height
            )
        self._draw_letters(painter)
        painter.end()

    def _draw_cross(self, painter: QPainter, x: float, y: float) -> None:
        painter.setPen(QPen(QColor.fromRgbF(*crosshair.COLOR), 1))
        for start, end in (
            ((0, y), (x - _GAP, y)),
            ((x + _GAP, y), (self.width(), y)),
            ((x, 0), (x, y - _GAP)),
            ((x, y + _GAP), (x, self.height())),
        ):
            painter.drawLine(QPointF(*start), QPointF(*end))

    def _draw_letters(self, painter: QPainter) -> None:
        font = QFont(self.font())
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor.fromRgbF(*letters.COLOR))
        middle = Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignVCenter
        box = self.rect().adjusted(4, 2, -4, -2)
        for edge, flags in (
            ("left", Qt.AlignmentFlag.AlignLeft | middle[1]),
            ("right", Qt.AlignmentFlag.AlignRight | middle[1]),
            ("top", Qt.AlignmentFlag.AlignTop | middle[0]),
            ("bottom", Qt.AlignmentFlag.AlignBottom | middle[0]),
        ):
            painter.drawText(box, int(flags), self.letters.get(edge, ""))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Ask for a picture of the new size."""
        super().resizeEvent(event)
        self.resized.emit()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Move the crosshair, or begin to drag the picture."""
        self._held = event.position() if event is not None else None
        self._point(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Move the crosshair, or drag the picture."""
        self._point(event)
        if event is not None and self._held is not None and event.buttons() & _DRAGS:
            away = (event.position() - self._held) * self.devicePixelRatioF()
            self._held = event.position()
            self.panned.emit(away.x(), away.y())
            event.accept()

    def _point(self, event: QMouseEvent | None) -> None:
        if event is not None and event.buttons() & Qt.MouseButton.LeftButton:
            ratio = self.devicePixelRatioF()
            self.pointed.emit(event.position().x() * ratio, event.position().y() * ratio)
            event.accept()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Step through slices, or zoom; what a touchpad sends adds up."""
        if event is None:
            return
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            at = event.position() * self.devicePixelRatioF()
            self.zoomed.emit(event.angleDelta().y() / _NOTCH, at.x(), at.y())
            event.accept()
            return
        self._turned += event.angleDelta().y()
        steps = int(self._turned / _NOTCH)
        if steps:
            self._turned -= steps * _NOTCH
            self.stepped.emit(steps)
        event.accept()
