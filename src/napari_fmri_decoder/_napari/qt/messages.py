"""Messages in a dock: an error or a warning in full, next to what refused, until it is fixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QTextOption
from qtpy.QtWidgets import QFrame, QScrollArea, QSizePolicy, QTextEdit

from napari_fmri_decoder.evaluation.headline import SEVERITY_MARKS

if TYPE_CHECKING:
    from qtpy.QtGui import QResizeEvent

    from napari_fmri_decoder.samples.audit.findings import Severity


class Message(QTextEdit):
    """A text that wraps and can be selected, colored by its severity; hidden while it is empty.

    Long words, such as paths, are broken, so that a message never makes its dock wider.

    Parameters
    ----------
    name : str
        objectName.

    Attributes
    ----------
    severity : {"error", "warning", "note"}
        Of the shown text.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName("Message")
        self.severity: Severity = "error"
        self.setReadOnly(True)
        self.setAcceptRichText(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # the Tab key goes through controls only
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        for hide in (self.setHorizontalScrollBarPolicy, self.setVerticalScrollBarPolicy):
            hide(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._scroll = QTimer(self)
        self._scroll.setSingleShot(True)
        self._scroll.timeout.connect(self._into_view)
        self.hide()

    @property
    def text(self) -> str:
        """The shown text; "" if there is none."""
        return self.toPlainText()

    def show_error(self, text: str) -> None:
        """Show why an action was refused or failed, and scroll there."""
        new = text != self.text
        self._show_text(text, "error")
        if text and new:
            self._scroll.start(0)  # once the layout has its size

    def show_warning(self, text: str) -> None:
        """Show what the user should know before continuing."""
        self._show_text(text, "warning")

    def show_note(self, text: str) -> None:
        """Show what was done."""
        self._show_text(text, "note")

    def clear(self) -> None:
        """Remove the text, and hide."""
        super().clear()
        self.setAccessibleDescription("")
        self.hide()

    def _show_text(self, text: str, severity: Severity) -> None:
        if not text:
            self.clear()
            return
        if (text, severity) == (self.text, self.severity):
            return  # a selection of the text is kept
        mark = SEVERITY_MARKS[severity]
        self.severity = severity
        self.setStyleSheet(
            f"QTextEdit {{ color: {mark.text}; background: {mark.background}; border: none; "
            "border-radius: 3px; padding: 2px; }"
        )
        self.setAccessibleDescription(text)
        self.setPlainText(text)
        self.show()
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Be as high as the text needs at the new width."""
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """Be as narrow as the dock."""
        return QSize(0, self.sizeHint().height())

    def sizeHint(self) -> QSize:
        """The height of the text at the present width."""
        view, document = self.viewport(), self.document()
        frame = self.height() - view.height() if view is not None else 0  # padding of the style
        height = document.size().height() if document is not None else 0
        return QSize(0, round(height) + max(frame, 0))

    def _into_view(self) -> None:
        """Scroll the dock until the message is in sight."""
        part = self.parentWidget()
        while part is not None and not isinstance(part, QScrollArea):
            part = part.parentWidget()
        if part is not None and self.isVisible():
            part.ensureWidgetVisible(self, 0, 4)

    def _fit(self) -> None:
        if (height := self.sizeHint().height()) != self.height():
            self.setFixedHeight(height)
