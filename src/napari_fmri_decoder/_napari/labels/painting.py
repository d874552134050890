"""Painting labels on the time axis: a switch, and the label to paint."""

from __future__ import annotations

from collections.abc import Sequence

from magicgui.widgets import Container

from napari_fmri_decoder._napari.forms.choices import EditableChoice
from napari_fmri_decoder._napari.forms.controls import check_box
from napari_fmri_decoder._napari.forms.native import prepare_control

NOTHING = "no label"
PAINT = (
    "Drag over the bands to label volumes. Existing labels are converted to spans of the source "
    "<i>painted</i>, which a recipe can save."
)
LABEL = f"Type a new label, or choose one. <i>{NOTHING}</i> removes labels."


class PaintBox(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """Sets whether dragging over the bands paints, and which label.

    Attributes
    ----------
    paint : CheckBox
    text : EditableChoice
    """

    def __init__(self) -> None:
        paint, text = check_box("paint", "Paint", PAINT), EditableChoice(name="text")
        prepare_control(text, "paint_label", "Label to paint", LABEL)
        super().__init__(widgets=[paint, text], layout="horizontal", labels=False, name="brush")
        self.margins = (0, 0, 0, 0)
        paint.native.setObjectName("paint_labels")
        text.native.lineEdit().setPlaceholderText("label")
        self.native.layout().setStretch(1, 1)

    @property
    def brush(self) -> str | None:
        """Label that dragging paints; "" removes labels; None if painting is off."""
        text = self.text.value.strip()
        if not self.paint.value or not text:
            return None
        return "" if text == NOTHING else text

    def offer(self, labels: Sequence[str]) -> None:
        """Set the labels to choose from; typed text is kept."""
        self.text.offer([*labels, NOTHING])
        if not self.text.value and labels:
            with self.changed.blocked():
                self.text.value = labels[0]
