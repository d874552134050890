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
from napari_fmri_decoder._napari.forms.native import align_labels, keep_order, prepare_control
from napari_fmri_decoder._napari.forms.remember import Remember
from napari_fmri_decoder._napari.qt.notifications import notify_note
from napari_fmri_decoder._napari.qt.sections import section, text_label
from napari_fmri_decoder._napari.qt.voxel_count import VoxelCount
from napari_fmri_decoder._napari.train.advanced import AdvancedView, Group
from napari_fmri_decoder._napari.train.compare import CompareView
from napari_fmri_decoder._napari.train.compute import ClusterBox
from napari_fmri_decoder._napari.train.data_summary import data_summary
from napari_fmri_decoder._napari.train.recipe_from_session import Choices, Plan
from napari_fmri_decoder._napari.train.sample_size import sample_size
from napari_fmri_decoder._napari.viewer.folders import RUNS
from napari_fmri_decoder.decoders import Decoder, EstimatorDecoder, registry
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.baseline_config import BaselineConfig
from napari_fmri_decoder.recipe import NullConfig, Recipe
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.samples import group_keys
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.tasks.workers import SERIAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_fmri_decoder._napari.qt.lifetime import Lifetime
    from napari_fmri_decoder._napari.train.run_plan import RunLocation
    from napari_fmri_decoder._napari.viewer.session import Session

ORDER = ("mlp", "cnn2d", "cnn3d", "lda", "linear")
"""Order of the decoders in the list; others follow."""
OF_SCHEME = {
    "group-k-fold": ("n_splits", "group"),
    "stratified-group-k-fold": ("n_splits", "group"),
    "explicit": ("train", "test"),
    "random": ("test_size", "method", "seed"),
}
"""Options of a split that each scheme uses."""
OF_ESTIMATOR = ("screening", "whiten", "balance", "select", "seed", "seeds", "threads")
"""Training options that decoders of scikit-learn use."""


BASELINES = "On the same folds as the decoder: guessing (the most frequent class), and these linear models."
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
    training, split, preparation, permutation, baseline : ModelForm
    compare : CompareView
    use_slab : CheckBox
    location : ClusterBox
    runs_folder : PathLine
    advanced : AdvancedView
    """

    def __init__(self, session: Session) -> None:
        super().__init__(name="setup", labels=False)
        self.margins = (0, 4, 0, 4)
        self.session = session
        self.remembered: list[Remember] = []
        self._ordered = ""
        names = sorted(registry, key=lambda n: (ORDER.index(n) if n in ORDER else len(ORDER), n))
        decoders = {name: registry[name] for name in names}
        self.decoder = ChoiceForm(decoders, "name", title="Decoder", two_depths=True, name="decoder")
        spare = {"threads": max(1, (os.cpu_count() or 2) - 1)}  # a core for the window
        self.training = ModelForm(TrainingConfig, defaults=spare, two_depths=True, name="training")
        self.split = ModelForm(SplitConfig, two_depths=True, name="split")
        self.preparation = ModelForm(PrepareConfig, two_depths=True, name="preparation")
        self.permutation = ModelForm(NullConfig, two_depths=True, name="permutation")
        self.baseline = ModelForm(BaselineConfig, name="baseline")
        self.compare = CompareView()
        self.data = text_label(name="data_summary")
        self.runs = text_label(name="runs_there_are")
        self.use_slab = check_box("use_slab", "Use the slab", USE_SLAB, value=True)
        self.location = ClusterBox(lambda: int(self.training.threads.value))
        self.runs_folder = PathLine(str(RUNS), mode="d", name="runs_folder", label="Output folder")
        prepare_control(self.runs_folder, "runs_folder", "Output folder", RUNS_FOLDER)
        self.forms = (
            *(self.decoder, self.training, self.split),
            *(self.preparation, self.permutation, self.baseline),
        )
        self.extend((*self.forms, self.compare, self.use_slab, self.location, self.runs_folder))
        self._lay_out()
        self.decoder.changed.connect(self._on_network)
        self.decoder.changed.connect(self._keep_order)
        self.training.changed.connect(self._on_network)
        self.split.changed.connect(self._on_split)
        self.use_slab.changed.connect(self._show_data)
        self._on_network()
        self._on_split()
        for name in ("series", "mask", "table", "recipe"):
            self.on_session(name)

    def _lay_out(self) -> None:
        keepers = {form: Remember(form, f"train.{form.name}") for form in self.forms}
        self.remembered.extend(keepers.values())

        def reset(form: ModelForm, *, basic: bool) -> Callable[[], object]:
            return lambda: keepers[form].reset(n for n in form.names if form.is_basic(n) == basic)

        data = section("Data", self.data, self.use_slab.native, name="section_data")
        epochs, split, test = (
            reset(form, basic=True) for form in (self.training, self.split, self.permutation)
        )
        network = self.decoder.native, self.training.native
        sets = self.split.native, self.runs
        baselines = text_label(BASELINES, "baselines"), self.baseline.native, self.compare.native
        self.advanced = AdvancedView(
            [
                *(
                    Group(title, name, form.advanced, form, reset=reset(form, basic=False))
                    for title, name, form in (
                        ("Preparation", "section_prepare", self.preparation),
                        ("Training and test sets", "section_split_advanced", self.split),
                        ("Network", "section_network_advanced", self.decoder),
                        ("Training", "section_training", self.training),
                    )
                    if form.advanced is not None
                ),
                Group(
                    *("Run in", "section_cluster", self.location.native),
                    control=self.location.place,
                    differs=lambda: self.location.place.value != SERIAL,
                ),
                Group(
                    *("Output folder", "section_folder", self.runs_folder.native),
                    control=self.runs_folder,
                    differs=lambda: self.folder != RUNS,
                ),
            ]
        )
        rows = self.native.layout()
        for part in (
            data,
            section("Network", *network, name="section_network", reset=epochs),
            section("Training and test sets", *sets, name="section_split", reset=split),
            section("Permutation test", self.permutation.native, name="section_null", reset=test),
            section("Baselines", *baselines, name="section_compare", reset=keepers[self.baseline].reset),
            self.advanced,
        ):
            rows.addWidget(part)
        rows.addStretch(1)
        align_labels(self.decoder, self.training, self.split, self.permutation, self.baseline)

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
        decoder, training, split, prepare, null, baseline = (form.config() for form in self.forms)
        # each form returns the model it was built for; for the type checker
        match decoder, training, split, prepare, null, baseline:
            case (
                Decoder(),
                TrainingConfig(),
                SplitConfig(),
                PrepareConfig(),
                NullConfig(),
                BaselineConfig(),
            ):
                use_slab, compare = bool(self.use_slab.value), self.compare.checked
                return Choices(decoder, training, split, prepare, null, baseline, allow, use_slab, compare)
        raise TypeError("A form must return the model it was built for.")

    def load(self, recipe: Recipe) -> None:
        """Set all forms from a recipe; its data and labels belong to Prepare and Labels."""
        self.decoder.update(recipe.decoder)
        self.training.update(recipe.training)
        self.split.update(recipe.split)
        self.preparation.update(recipe.prepare)
        self.permutation.update(recipe.null)
        self.baseline.update(recipe.baseline)
        self.use_slab.value = recipe.slab is not None
        self.compare.set_decoders(recipe.compare)
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
            size = sample_size(self.session, use_slab=bool(self.use_slab.value))
            self.decoder.show_meanings(decoder.meanings(*size) if size is not None else {})

    def follow_count(self, life: Lifetime) -> None:
        """Show the voxels that are counted, and what empty options mean for them, while the dock is open."""
        for slot in (self._on_network, self._show_data):
            life.follow(self.session.part(VoxelCount).changed, slot)

    def _show_data(self) -> None:
        text = data_summary(self.session, use_slab=bool(self.use_slab.value))
        if text != self.data.text():
            self.data.setText(text)

    def _keep_order(self) -> None:
        """Let the Tab key go from top to bottom; another network brings other controls."""
        if self.decoder.choice != self._ordered:
            self._ordered = self.decoder.choice
            keep_order(self.native)

    def _on_split(self) -> None:
        scheme = self.split.scheme.value
        self.split.show_only(("scheme", *OF_SCHEME.get(scheme, ())))
        self.runs.setVisible(scheme == "explicit")

    def on_session(self, name: str) -> None:
        """Show what was set in Prepare and Labels; called by the dock after changes."""
        if name in ("series", "mask", "mask_config", "slab", "slab_placement", "table", "labels"):
            self._show_data()
        if name in ("series", "table", "labels"):
            self._on_network()
        if name == "recipe" and (recipe := self.session.state.recipe) is not None:
            self.load(recipe)
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
