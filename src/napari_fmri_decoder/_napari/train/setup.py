"""Settings of a run: network, training, split, preparation, permutation test, output folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from magicgui.widgets import Container
from pydantic import ValidationError

from napari_fmri_decoder._napari.forms.choice_form import ChoiceForm
from napari_fmri_decoder._napari.forms.controls import check_box
from napari_fmri_decoder._napari.forms.lines import PathLine
from napari_fmri_decoder._napari.forms.model_form import ModelForm
from napari_fmri_decoder._napari.forms.native import prepare_control
from napari_fmri_decoder._napari.forms.remember import Remember
from napari_fmri_decoder._napari.qt.notifications import notify_note
from napari_fmri_decoder._napari.qt.sections import section, text_label
from napari_fmri_decoder._napari.train.compare import CompareView
from napari_fmri_decoder._napari.train.compute import ClusterBox
from napari_fmri_decoder._napari.train.recipe_from_session import Choices, Plan
from napari_fmri_decoder._napari.viewer.folders import RUNS
from napari_fmri_decoder.decoders import Decoder, EstimatorDecoder, registry
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.recipe import NullConfig, Recipe
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.samples import group_keys
from napari_fmri_decoder.samples.splits import SplitConfig
from napari_fmri_decoder.training.config import TrainingConfig

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_fmri_decoder._napari.train.run_plan import RunLocation
    from napari_fmri_decoder._napari.viewer.session import Session

ORDER = ("mlp", "cnn2d", "cnn3d", "linear")
"""Order of the decoders in the list; others follow."""
OF_SCHEME = {
    "group-k-fold": ("n_splits", "group"),
    "stratified-group-k-fold": ("n_splits", "group"),
    "explicit": ("train", "test"),
    "random": ("test_size", "method", "seed"),
}
"""Options of a split that each scheme uses."""
OF_ESTIMATOR = ("screening", "balance", "select", "seed", "seeds", "threads")
"""Training options that decoders of scikit-learn use."""


USE_SLAB = "Decode the slab cut in Prepare; otherwise the complete volume."
RUNS_FOLDER = "Each run makes a new folder in this one."


class SetupView(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """The forms of the Train dock.

    Parameters
    ----------
    session : Session
        Provides data, mask and slab.

    Attributes
    ----------
    decoder : ChoiceForm
    training, split, preparation, permutation : ModelForm
    compare : CompareView
    use_slab : CheckBox
    location : ClusterBox
    runs_folder : PathLine
    """

    def __init__(self, session: Session) -> None:
        super().__init__(name="setup", labels=False)
        self.margins = (2, 4, 2, 4)
        self.session = session
        self.remembered: list[Remember] = []
        names = sorted(registry, key=lambda n: (ORDER.index(n) if n in ORDER else len(ORDER), n))
        decoders = {name: registry[name] for name in names}
        self.decoder = ChoiceForm(decoders, "name", title="Decoder", name="decoder")
        spare = {"threads": max(1, (os.cpu_count() or 2) - 1)}  # a core for the window
        self.training = ModelForm(TrainingConfig, defaults=spare, name="training")
        self.split = ModelForm(SplitConfig, name="split")
        self.preparation = ModelForm(PrepareConfig, name="preparation")
        self.permutation = ModelForm(NullConfig, name="permutation")
        self.compare = CompareView()
        self.data = text_label(name="data_summary")
        self.runs = text_label(name="runs_there_are")
        self.use_slab = check_box("use_slab", "Use the slab", USE_SLAB, value=True)
        self.location = ClusterBox(lambda: int(self.training.threads.value))
        self.runs_folder = PathLine(str(RUNS), mode="d", name="runs_folder", label="Output folder")
        prepare_control(self.runs_folder, "runs_folder", "Output folder", RUNS_FOLDER)
        forms = (self.decoder, self.training, self.split, self.preparation, self.permutation)
        self.extend((*forms, self.compare, self.use_slab, self.location, self.runs_folder))
        self._lay_out()
        self.decoder.changed.connect(self._on_network)
        self.training.changed.connect(self._on_network)
        self.split.changed.connect(self._on_split)
        self._on_network()
        self._on_split()
        for name in ("series", "mask", "table"):
            self.on_session(name)

    def _lay_out(self) -> None:
        rows = self.native.layout()
        self.compared = section("Compare with", self.compare.native, name="section_compare")
        self.compared.hide()
        folder = self.runs_folder.native
        for part in (
            section("Data", self.data, self.use_slab.native, name="section_data"),
            self._section("Network", self.decoder, "section_network"),
            self._section("Training", self.training, "section_training"),
            self._section("Training and test sets", self.split, "section_split", self.runs),
            self._section("Preparation", self.preparation, "section_prepare", open_=False),
            self._section("Permutation test", self.permutation, "section_null", open_=False),
            section("Run in", self.location.native, name="section_cluster"),
            self.compared,
            section("Output folder", folder, name="section_folder", open_=False),
        ):
            rows.addWidget(part)
        rows.addStretch(1)

    def _section(
        self, title: str, form: ModelForm, name: str, *below: QWidget, open_: bool = True
    ) -> QWidget:
        """A section with a form whose options come back in the next napari."""
        keeper = Remember(form, f"train.{form.name}")
        self.remembered.append(keeper)
        return section(title, form.native, *below, name=name, open_=open_, reset=keeper.reset)

    @property
    def folder(self) -> Path:
        """Folder in which run folders are made."""
        return Path(str(self.runs_folder.value or RUNS)).expanduser()

    def choices(self, allow: tuple[str, ...]) -> Choices:
        """Read the forms.

        Raises
        ------
        InputError
            If a value is not valid.
        """
        configs = (self.decoder, self.training, self.split, self.preparation, self.permutation)
        decoder, training, split, prepare, null = (form.config() for form in configs)
        # each form returns the model it was built for; for the type checker
        match decoder, training, split, prepare, null:
            case Decoder(), TrainingConfig(), SplitConfig(), PrepareConfig(), NullConfig():
                use_slab, compare = bool(self.use_slab.value), self.compare.checked
                return Choices(decoder, training, split, prepare, null, allow, use_slab, compare)
        raise TypeError("A form must return the model it was built for.")

    def load(self, recipe: Recipe) -> None:
        """Set all forms from a recipe; its data and labels belong to Prepare and Labels."""
        self.decoder.update(recipe.decoder)
        self.training.update(recipe.training)
        self.split.update(recipe.split)
        self.preparation.update(recipe.prepare)
        self.permutation.update(recipe.null)
        self.use_slab.value = recipe.slab is not None
        self.compare.set_decoders(recipe.compare)
        self.compared.setVisible(bool(recipe.compare))
        series = self.session.series
        if recipe.zmaps is not None and (series is None or series.step is not None):
            notify_note(
                "The recipe decodes z-maps of its series. Make them in the Labels dock, under Z-maps, before "
                "training."
            )

    def show_plan(self, plan: Plan, location: RunLocation) -> None:
        """Set all forms as in a run, such as one that is running."""
        self.load(plan.recipe)
        self.runs_folder.value = plan.folder.parent
        self.location.show_location(location)

    def _on_network(self) -> None:
        """Show the defaults of empty options, and hide options that the network does not use."""
        kind = registry[self.decoder.choice]
        shown = OF_ESTIMATOR if issubclass(kind, EstimatorDecoder) else self.training.names
        self.training.show_only(shown)
        try:
            decoder = self.decoder.config()
            stated = TrainingConfig(optimizer=self.training.optimizer.value)
        except (InputError, ValidationError):
            return  # reported when the forms are read
        if isinstance(decoder, Decoder):
            self.training.show_meanings(stated.resolved(decoder).model_dump())

    def _on_split(self) -> None:
        scheme = self.split.scheme.value
        self.split.show_only(("scheme", *OF_SCHEME.get(scheme, ())))
        self.runs.setVisible(scheme == "explicit")

    def on_session(self, name: str) -> None:
        """Show what was set in Prepare and Labels; called by the dock after changes."""
        if name in ("series", "mask", "mask_config", "slab", "slab_placement", "table", "labels"):
            self.data.setText(_about(self.session))
        slab = self.session.state.preparation.slab
        self.use_slab.visible = slab is not None
        if name == "series" and (series := self.session.series) is not None:
            resolved = PrepareConfig().resolved(series)
            self.preparation.show_meanings(
                {n: "yes" if getattr(resolved, n) else "no" for n in ("detrend", "standardize_runs")}
            )
        table = self.session.state.labeling.table
        if name == "table" and table is not None:
            self.runs.setText("Runs: " + ", ".join(dict.fromkeys(group_keys(table).tolist())))


def _about(session: Session) -> str:
    """One line each about the series, the labels, the mask and the slab."""
    series, labeling, preparation = session.series, session.state.labeling, session.state.preparation
    if series is None:
        return "No series chosen."
    lines = [f"{series.name}: {series.n_volumes} volumes of {_size(series.shape[:3])} voxels"]
    if labeling.table is not None:
        excluded = set(labeling.labels.excluded(labeling.table["label"]) if labeling.labels else ())
        used = labeling.table[~labeling.table["label"].isin(excluded | {""})]
        lines.append(f"Labels: {used['label'].nunique()} classes on {len(used)} volumes")
    if preparation.mask is None:
        lines.append("Mask: none; all voxels are used")
    else:
        lines.append(f"Mask: {int((preparation.mask.at(0) > 0).sum())} voxels")
    if preparation.slab is not None:
        placement = preparation.slab_placement
        voxels = f", {_size(placement.grid.shape)} voxels" if placement is not None else ""
        rotations = [f"{angle:g}° about {axis}" for axis, angle in _angles(preparation.slab) if angle]
        lines.append(
            "Slab: " + ("rotated by " + ", ".join(rotations) if rotations else "not rotated") + voxels
        )
    return "\n".join(lines)


def _angles(slab: object) -> list[tuple[str, float]]:
    return [(axis, float(getattr(slab, f"rotate_{axis}"))) for axis in "xyz"]


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
