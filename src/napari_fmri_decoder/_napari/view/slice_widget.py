"""One of the linked slices: the picture of a plane with orientation letters and a movable crosshair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFont, QImage, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_fmri_decoder._napari.view import crosshair
from napari_fmri_decoder._napari.viewer import orientation_labels
from napari_fmri_decoder._napari.viewer.color_bar import BOX

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from qtpy.QtGui import QMouseEvent, QPaintEvent, QResizeEvent, QWheelEvent

    from napari_fmri_decoder._napari.view.compositing import Window
    from napari_fmri_decoder._napari.viewer.camera import Plane

_GAP = 5  # free pixels around the crosshair
_NOTCH = 120  # wheel units per step
_DRAGS = Qt.MouseButton.RightButton | Qt.MouseButton.MiddleButton


class SliceWidget(QWidget):
    """Shows a plane and sends mouse actions.

    Attributes
    ----------
    plane : {"axial", "coronal", "sagittal"}
    shown : Window or None
        The part of the plane that is shown.
    image : (height, width, 4) uint8 array or None
        The picture without letters and crosshair.
    pointed : Signal
        Sent with the position of the mouse, in pixels of `shown`, on a click and during a drag.
    stepped : Signal
        Sent with the number of wheel steps.
    zoomed : Signal
        Sent with the number of wheel steps with Ctrl, and the position in pixels of `shown`.
    panned : Signal
        Sent with the pixels of a drag with the right or middle button, to the right and down.
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
            f"<p>The {plane} slice through the crosshair. Click or drag to move the crosshair; turn the "
            "wheel to step through slices. Ctrl and wheel zooms all planes; the right button then pans.</p>"
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(150, 150)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.shown: Window | None = None
        self.image: NDArray[np.uint8] | None = None
        self.letters: dict[str, str] = {}
        self._cross: tuple[float, float] | None = None
        self._wheel = 0  # wheel units since the last step
        self._dragged: QPointF | None = None  # last position of a drag

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height in screen pixels."""
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
            The part of the plane that it shows.
        letters : dict of str
            At "left", "right", "top", "bottom".
        cross : (2,) tuple of float or None
            Position of the crosshair, in pixels of the picture; None to hide it.
        """
        self.image, self.shown, self.letters, self._cross = image, window, letters, cross
        self.update()

    def clear(self) -> None:
        """Show no picture."""
        self.image, self.shown, self._cross = None, None, None
        self.letters = {}
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for half the width of a dock."""
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
        data: Any = self.image.data  # not copied: this widget keeps the array
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
        painter.setPen(QColor.fromRgbF(*orientation_labels.COLOR))
        middle = Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignVCenter
        box = self.rect().adjusted(4, 2, -4, -2)
        for edge, flags in (
            ("left", Qt.AlignmentFlag.AlignLeft | middle[1]),
            ("right", Qt.AlignmentFlag.AlignRight | middle[1]),
            ("top", Qt.AlignmentFlag.AlignTop | middle[0]),
            ("bottom", Qt.AlignmentFlag.AlignBottom | middle[0]),
        ):
            letter = self.letters.get(edge, "")
            if letter:
                place = painter.boundingRect(box, int(flags), letter).adjusted(-2, 0, 2, 0)
                painter.fillRect(place, QColor.fromRgbF(*BOX))
                painter.drawText(box, int(flags), letter)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Request a picture of the new size."""
        super().resizeEvent(event)
        self.resized.emit()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Move the crosshair, or start to drag the picture."""
        self._dragged = event.position() if event is not None else None
        self._point(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Move the crosshair, or drag the picture."""
        self._point(event)
        if event is not None and self._dragged is not None and event.buttons() & _DRAGS:
            away = (event.position() - self._dragged) * self.devicePixelRatioF()
            self._dragged = event.position()
            self.panned.emit(away.x(), away.y())
            event.accept()

    def _point(self, event: QMouseEvent | None) -> None:
        if event is not None and event.buttons() & Qt.MouseButton.LeftButton:
            ratio = self.devicePixelRatioF()
            self.pointed.emit(event.position().x() * ratio, event.position().y() * ratio)
            event.accept()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Step through slices, or zoom; small steps of a touchpad add up."""
        if event is None:
            return
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            at = event.position() * self.devicePixelRatioF()
            self.zoomed.emit(event.angleDelta().y() / _NOTCH, at.x(), at.y())
            event.accept()
            return
        self._wheel += event.angleDelta().y()
        steps = int(self._wheel / _NOTCH)
        if steps:
            self._wheel -= steps * _NOTCH
            self.stepped.emit(steps)
        event.accept()
