"""Advanced settings of a run: sections that are closed at first, and a line with those that were changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.qt.sections import LinkLabel, reveal, section

if TYPE_CHECKING:
    from magicgui.widgets.bases import Widget

    from napari_fmri_decoder._napari.forms.model_form import ModelForm

DIFFER = "Advanced settings that differ from the defaults:"
NONE_DIFFER = "All advanced settings have their defaults."


@dataclass(frozen=True, slots=True)
class Group:
    """A section of advanced settings.

    Attributes
    ----------
    title, name : str
        Of the section.
    shown : QWidget
    form : ModelForm or None
        Its fields that are not basic are the settings of the section.
    control : Widget or None
        The setting of a section without a form.
    differs : callable
        Whether that setting differs from its default.
    reset : callable or None
        Sets the defaults.
    """

    title: str
    name: str
    shown: QWidget
    form: ModelForm | None = None
    control: Widget | None = None
    differs: Callable[[], bool] = bool
    reset: Callable[[], object] | None = None

    def differing(self) -> list[tuple[str, str, QWidget]]:
        """Key, label and control of each setting that differs from its default."""
        if self.form is None:
            control = self.control
            found = [control] if control is not None and self.differs() else []
            return [(self.name, self.title, one.native) for one in found]
        form = self.form
        return [
            (f"{self.name}.{name}", form.widget(name).label, form.widget(name).native)
            for name in form.differing()
            if not form.is_basic(name)
        ]


class AdvancedView(QWidget):
    """A section with one section per group, and a line below its title.

    The line names the settings that differ from their defaults, by the labels of their controls; a click on
    one shows its control.

    Parameters
    ----------
    groups : sequence of Group

    Attributes
    ----------
    line : LinkLabel
    """

    def __init__(self, groups: Sequence[Group]) -> None:
        super().__init__()
        self._groups = groups
        self._controls: dict[str, QWidget] = {}
        self.line = LinkLabel(name="advanced_differing")
        self.line.linkActivated.connect(self._on_link)
        sections = [
            section(one.title, one.shown, name=one.name, open_=False, reset=one.reset) for one in groups
        ]
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.line)
        rows.addWidget(section("Advanced", *sections, name="section_advanced", open_=False))
        for group in groups:
            if (changing := group.form or group.control) is not None:
                changing.changed.connect(self.refresh)  # type: ignore[attr-defined]
        self.refresh()

    def differing(self) -> list[str]:
        """Labels of the settings that differ from their defaults; with their section if it is ambiguous."""
        return list(self._labels().values())

    def _labels(self) -> dict[str, str]:
        """Label of each differing setting, by its key."""
        found = [(group, *setting) for group in self._groups for setting in group.differing()]
        self._controls = {key: control for _, key, _, control in found}
        labels = [label for _, _, label, _ in found]
        return {
            key: f"{label} ({group.title})" if labels.count(label) > 1 else label
            for group, key, label, _ in found
        }

    def refresh(self, *_: object) -> None:
        """Write the line."""
        labels = self._labels()
        links = ", ".join(f'<a href="{key}">{escape(label)}</a>' for key, label in labels.items())
        self.line.set_html(f"{DIFFER} {links}." if links else NONE_DIFFER)

    def _on_link(self, key: str) -> None:
        if (control := self._controls.get(key)) is not None:
            reveal(control)
