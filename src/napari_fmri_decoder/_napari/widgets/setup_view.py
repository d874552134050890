"""What is set before training: network, training, split, preparation, null, and where the run goes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.boxes import PathEdit
from napari_fmri_decoder._napari.docks import section, words
from napari_fmri_decoder._napari.forms import ChoiceForm, Form
from napari_fmri_decoder._napari.notify import mention
from napari_fmri_decoder._napari.recipe_of_session import RUNS, Choices, Plan, Where
from napari_fmri_decoder._napari.widgets.cluster_box import ClusterBox
from napari_fmri_decoder._napari.widgets.compare_view import CompareView
from napari_fmri_decoder.decoders import Decoder, EstimatorDecoder, registry
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.recipe import NullConfig, Recipe
from napari_fmri_decoder.samples.prepare import PrepareConfig
from napari_fmri_decoder.samples.samples import group_keys
from napari_fmri_decoder.samples.splits import SplitConfig
from napari_fmri_decoder.training.config import TrainingConfig

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.session import Session

USUAL = ("mlp", "cnn2d", "cnn3d", "linear")
"""Order of the decoders; others come after."""
OF_SCHEME = {
    "group-k-fold": ("n_splits", "group"),
    "stratified-group-k-fold": ("n_splits", "group"),
    "explicit": ("train", "test"),
    "random": ("test_size", "method", "seed"),
}
"""The options of a split that its scheme looks at."""
OF_ESTIMATOR = ("screening", "balance", "select", "seed", "seeds", "threads")
"""The options of training that scikit-learn's decoders look at."""


class SetupView(QWidget):
    """The forms of the Train dock.

    Parameters
    ----------
    session : Session
        Says which data, mask and slab there are.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        names = sorted(registry, key=lambda n: (USUAL.index(n) if n in USUAL else len(USUAL), n))
        self.decoder = ChoiceForm({name: registry[name] for name in names}, "name")
        self.training = Form(TrainingConfig)
        self.training.set_values({"threads": max(1, (os.cpu_count() or 2) - 1)})
        self.split = Form(SplitConfig)
        self.prepare = Form(PrepareConfig)
        self.null = Form(NullConfig)
        self.compare = CompareView()
        self.compared = section("Beside it, on the same folds", self.compare, name="section_compare")
        self.compared.hide()
        self.data = words(name="data_summary")
        self.runs = words(name="runs_there_are")
        self.use_slab = QCheckBox("Use the slab")
        self.use_slab.setObjectName("use_slab")
        self.use_slab.setChecked(True)
        self.use_slab.setToolTip("<p>Decode the slab cut in Prepare; the whole volume otherwise.</p>")
        self.where = ClusterBox(lambda: self.training.value()["threads"])
        self.folder = PathEdit("folder", "Folder for runs")
        self.folder.setObjectName("runs_folder")
        self.folder.setToolTip("<p>Each run gets a folder of its own in here.</p>")
        self.folder.line.setText(str(RUNS))
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2, 4, 2, 4)
        for part in (
            section("Data", self.data, self.use_slab, name="section_data"),
            section("Network", self.decoder, name="section_network"),
            section("Training", self.training, name="section_training"),
            section("Training and test parts", self.split, self.runs, name="section_split"),
            section("Preparation", self.prepare, name="section_prepare", open_=False),
            section("Permutation test", self.null, name="section_null", open_=False),
            section("Compute in", self.where, name="section_cluster"),
            self.compared,
            section("Keep runs in", self.folder, name="section_folder", open_=False),
        ):
            rows.addWidget(part)
        rows.addStretch(1)
        self.decoder.changed.connect(self._on_network)
        self.training.changed.connect(self._on_network)
        self.split.changed.connect(self._on_split)
        self._on_network()
        self._on_split()
        for name in ("series", "mask", "table"):
            self.on_session(name)

    @property
    def runs_folder(self) -> Path:
        """Where run folders are made."""
        return Path(self.folder.line.text().strip() or RUNS).expanduser()

    def choices(self, allow: tuple[str, ...]) -> Choices:
        """Read the forms.

        Raises
        ------
        InputError
            If a value is not valid.
        """
        configs = (self.decoder, self.training, self.split, self.prepare, self.null)
        decoder, training, split, prepare, null = (form.config() for form in configs)
        # Each form makes the model it was built for; said here for the reader and the type checker.
        match decoder, training, split, prepare, null:
            case Decoder(), TrainingConfig(), SplitConfig(), PrepareConfig(), NullConfig():
                use_slab, compare = self.use_slab.isChecked(), self.compare.chosen
                return Choices(decoder, training, split, prepare, null, allow, use_slab, compare)
        raise TypeError("A form made another model than its own.")

    def load(self, recipe: Recipe) -> None:
        """Set all forms as a recipe says; its data and labels go to Prepare and Labels."""
        self.decoder.set_values(recipe.decoder)
        self.training.set_values(recipe.training)
        self.split.set_values(recipe.split)
        self.prepare.set_values(recipe.prepare)
        self.null.set_values(recipe.null)
        self.use_slab.setChecked(recipe.slab is not None)
        self.compare.offer(recipe.compare)
        self.compared.setVisible(bool(recipe.compare))
        series = self.session.series
        if recipe.zmaps is not None and (series is None or series.step is not None):
            mention(
                "The recipe decodes z-maps of its series. Make them in the dock Labels, under Z-maps, before "
                "training here; fmri-decoder train makes them by itself."
            )

    def show_plan(self, plan: Plan, where: Where) -> None:
        """Set all forms as a run was set up, such as one that is running."""
        self.load(plan.recipe)
        self.folder.line.setText(str(plan.folder.parent))
        self.where.show_where(where)

    def _on_network(self) -> None:
        """Show what is left empty stands for, and hide what the network does not look at."""
        kind = registry[self.decoder.choice]
        shown = OF_ESTIMATOR if issubclass(kind, EstimatorDecoder) else self.training.names
        self.training.show_only(shown)
        try:
            decoder = self.decoder.config()
            stated = TrainingConfig(optimizer=self.training.value().get("optimizer"))
        except (InputError, ValidationError):
            return  # said when it is used
        if isinstance(decoder, Decoder):
            self.training.set_automatic(stated.resolved(decoder).model_dump())

    def _on_split(self) -> None:
        scheme = self.split.value()["scheme"]
        self.split.show_only(("scheme", *OF_SCHEME.get(scheme, ())))
        self.runs.setVisible(scheme == "explicit")

    def on_session(self, name: str) -> None:
        """Say what Prepare and Labels have set; the dock calls this when it changes."""
        if name in ("series", "mask", "mask_options", "slab", "where", "table", "labels"):
            self.data.setText(_about(self.session))
        slab = self.session.state.slab
        self.use_slab.setVisible(slab is not None)
        if name == "series" and (series := self.session.series) is not None:
            resolved = PrepareConfig().resolved(series)
            self.prepare.set_automatic(
                {n: "yes" if getattr(resolved, n) else "no" for n in ("detrend", "standardize_runs")}
            )
        table = self.session.state.table
        if name == "table" and table is not None:
            self.runs.setText("Runs: " + ", ".join(dict.fromkeys(group_keys(table).tolist())))


def _about(session: Session) -> str:
    """One line each on the series, the labels, the mask and the slab."""
    state, series = session.state, session.series
    if series is None:
        return "No series is chosen."
    lines = [f"{series.name}: {series.n_volumes} volumes of {_size(series.shape[:3])} voxels"]
    if state.table is not None:
        excluded = set(state.labels.excluded(state.table["label"]) if state.labels else ())
        kept = state.table[~state.table["label"].isin(excluded | {""})]
        lines.append(f"Labels: {kept['label'].nunique()} classes on {len(kept)} volumes")
    if state.mask is None:
        lines.append("Mask: none, every voxel is used")
    else:
        lines.append(f"Mask: {int((state.mask.at(0) > 0).sum())} voxels")
    if state.slab is not None:
        voxels = f", {_size(state.where.grid.shape)} voxels" if state.where is not None else ""
        turns = [f"{angle:g}° about {axis}" for axis, angle in _angles(state.slab) if angle]
        lines.append("Slab: " + ("turned " + ", ".join(turns) if turns else "not turned") + voxels)
    return "\n".join(lines)


def _angles(slab: object) -> list[tuple[str, float]]:
    return [(axis, float(getattr(slab, f"rotate_{axis}"))) for axis in "xyz"]


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
