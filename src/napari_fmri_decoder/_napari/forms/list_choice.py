"""A combo box whose list changes, such as the runs so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from magicgui.widgets import ComboBox

from napari_fmri_decoder._napari.forms.controls import narrow
from napari_fmri_decoder._napari.forms.native import prepare_control


class ListChoice(ComboBox):
    """A combo box that can list other choices, in their order.

    Parameters
    ----------
    name, label, tip : str
    choices : sequence of str or of (str, value)
        The first list.
    letters : int
        Width in letters; 0 for that of the longest choice.
    """

    def __init__(
        self, name: str, label: str, tip: str, choices: Sequence[Any] = (), letters: int = 12
    ) -> None:
        self._listed = choices
        super().__init__(name=name, label=label, choices=lambda _: self._listed)
        if letters:
            narrow(self.native, letters)
        prepare_control(self, name, label, tip)

    def relist(self, choices: Sequence[Any]) -> None:
        """List other choices, without a signal; the chosen one is kept if possible."""
        self._listed, chosen = choices, self.value
        with self.changed.blocked():
            self.native.clear()  # magicgui keeps items by their text, in the order of their first use
            self.reset_choices()
            if chosen in self.choices:
                self.value = chosen
