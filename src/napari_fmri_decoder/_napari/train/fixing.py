"""Apply fixes of the audit's findings in the docks, and show the controls that findings depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from napari_fmri_decoder._napari.qt.docks import go_to
from napari_fmri_decoder._napari.results.session_from_recipe import apply_mask
from napari_fmri_decoder._napari.viewer.folders import folder_of
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.options import label_of
from napari_fmri_decoder.pipeline.fixes import Fix, fixed_table, remedies
from napari_fmri_decoder.samples.labels import LabelsConfig, label_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_fmri_decoder._napari.forms.model_form import ModelForm
    from napari_fmri_decoder._napari.qt.frame import DockName
    from napari_fmri_decoder._napari.train.setup import SetupView
    from napari_fmri_decoder._napari.viewer.session import Session

BY_HAND = (
    "These labels were changed by hand after they were read, so they cannot be read again with other "
    "options. Change them in the Labels dock."
)


class Place(NamedTuple):
    """Where an option is set: the dock, the control in it, and its label."""

    dock: DockName
    control: str
    label: str


class Fixer:
    """Changes options in the Train dock, and labels and mask of the session.

    Parameters
    ----------
    session : Session
    setup : SetupView
    """

    def __init__(self, session: Session, setup: SetupView) -> None:
        self._session = session
        self._forms: Mapping[str, ModelForm] = {
            "split": setup.split,
            "training": setup.training,
            "prepare": setup.preparation,
            "decoder": setup.decoder,
            "null": setup.permutation,
        }

    def place(self, code: str) -> Place | None:
        """The control that a finding depends on."""
        if code not in remedies:
            return None
        section, _, name = remedies[code].option.partition(".")
        if section == "data":
            return Place("Prepare", "mask.strategy", "Mask")
        if section == "labels":
            label = label_of(name, LabelsConfig.model_fields[name])
            return Place("Labels", f"source.{name}", "Source" if name == "source" else label)
        form = self._forms[section]
        return Place("Train", f"{form.name}.{name}", form.widget(name).label)

    def show(self, place: Place) -> None:
        """Go to a control."""
        try:
            go_to(self._session.viewer, place.dock, place.control)
        except ValueError:  # the chosen source of labels has no such option
            go_to(self._session.viewer, place.dock, place.control.partition(".")[0])

    def apply(self, fix: Fix) -> None:
        """Make the changes of a fix.

        Raises
        ------
        InputError
            If they do not fit.
        """
        sections: dict[str, dict[str, Any]] = {}
        for option, value in fix.options.items():
            section, _, name = option.partition(".")
            sections.setdefault(section, {})[name] = value
        if labels := sections.pop("labels", {}):
            self._read_labels_again(labels)
        table = self._session.state.labeling.table
        if fix.unlabeled and table is not None:
            self._session.update(table=fixed_table(table, fix), prepared=None)
        if "mask" in sections.pop("data", {}):
            apply_mask(self._session, None)
        for section, values in sections.items():
            self._forms[section].update(values)

    def _read_labels_again(self, values: dict[str, Any]) -> None:
        series, labeling = self._session.series, self._session.state.labeling
        labels, table = labeling.labels, labeling.table
        if series is None or labels is None or table is None:
            raise InputError(BY_HAND)
        base = folder_of(series)
        if not label_table(labels, series, base)[0].equals(table):
            raise InputError(BY_HAND)
        changed = type(labels).model_validate({**labels.model_dump(), **values})
        self._session.update(labels=changed, table=label_table(changed, series, base)[0], prepared=None)
