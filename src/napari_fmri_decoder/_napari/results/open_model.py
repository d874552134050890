"""Apply a trained model to another series in the window: predictions and activations as layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from qtpy.QtWidgets import QFileDialog

from napari_fmri_decoder._napari.layers.to_layer import HELPER
from napari_fmri_decoder._napari.qt.notifications import notify_note
from napari_fmri_decoder._napari.qt.reading import Watch
from napari_fmri_decoder._napari.qt.session_job import SessionJob
from napari_fmri_decoder._napari.qt.workers import run_generator
from napari_fmri_decoder._napari.results.recent_runs import recent_runs
from napari_fmri_decoder._napari.results.result_layers import (
    ResultVolume,
    activation_maps,
    labels_of_predictions,
)
from napari_fmri_decoder._napari.results.show_result import layer_settings
from napari_fmri_decoder._napari.viewer.camera import brain_layers
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder._napari.viewer.undo import all_or_nothing
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain.activations import hidden_layers
from napari_fmri_decoder.pipeline.predicting import features_of, predictions_of
from napari_fmri_decoder.training.bundle.bundle import load_bundle
from napari_fmri_decoder.volumes.counted_reading import StoppedReading

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer

    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.volumes.volume import Volume

MODEL_ROLE = "fmri_decoder model"
"""Key of a layer's metadata that names the part of an applied model: "predictions" or a network layer."""
NO_SERIES = "Select the layer of a series first, or choose a series in the Prepare dock."


def open_model(viewer: Viewer, path: str | Path) -> Job:
    """Apply a trained model to the selected series, else to the one chosen in Prepare.

    Parameters
    ----------
    viewer : napari Viewer
    path : str or Path
        The model.safetensors of a run folder.

    Returns
    -------
    Job
        Its errors are shown as notifications.

    Raises
    ------
    InputError
        If there is no such series, or a model is being applied.
    """
    return Session.of(viewer).part(ModelApplier).apply(Path(path).expanduser().absolute())


def choose_model(viewer: Viewer) -> Job | None:
    """Ask for a trained model, and apply it; None if the user canceled."""
    series_for_model(Session.of(viewer))  # before the question
    recent = recent_runs()
    window = getattr(getattr(viewer, "window", None), "_qt_window", None)
    start = str(recent[0]) if recent else ""
    path, _ = QFileDialog.getOpenFileName(window, "Open model", start, "Trained model (*.safetensors)")
    return open_model(viewer, path) if path else None


def series_for_model(session: Session) -> Layer:
    """The selected layer if it is a series, else the series of Prepare, else the only series.

    Raises
    ------
    InputError
        If there is none.
    """
    layers = [layer for layer in brain_layers(session.viewer) if _is_series(session, layer)]
    for layer in (session.viewer.layers.selection.active, session.state.preparation.series):
        if layer in layers:
            return layer
    if len(layers) == 1:
        return layers[0]
    raise InputError(NO_SERIES)


@dataclass(frozen=True, slots=True, eq=False)
class AppliedModel:
    """Predictions of a model for a series, as volumes to show.

    Attributes
    ----------
    volumes : list of ResultVolume
        One per hidden convolution, then the predictions.
    summary : str
        How many volumes were predicted as each class.
    notes : tuple of str
        Of the prediction.
    """

    volumes: list[ResultVolume]
    summary: str
    notes: tuple[str, ...]


class ModelApplier(SessionJob):
    """Applies models, one at a time; get it by `session.part(ModelApplier)`.

    Attributes
    ----------
    applied : AppliedModel or None
        The last one.
    """

    applied: AppliedModel | None = None

    def apply(self, path: Path) -> Job:
        """Start applying a model; see `open_model`."""
        if self.job is not None:
            raise InputError("A model is being applied. Wait for it or stop it.")
        layer = series_for_model(self.session)
        series = self.session.volume(layer)
        if series is None:
            raise InputError(NO_SERIES)
        watch, owner = Watch(), self.owner()
        self.message = ""
        self.progress.start(f"Applying {path.name} to {layer.name}…")
        job = run_generator(
            partial(_applied, path, layer.name, series, _runs_of(self.session, layer), watch),
            owner=owner,
            description=f"Applying {path.name}",
            on_done=self._done,
            on_error=lambda error: self._ended(f"The model was not applied: {error}"),
            on_stopped=lambda: self._ended("Stopped. The model was not applied."),
        )
        watch.job = job
        self.progress.follow(job, lambda: min(watch.done / series.n_volumes, 1.0))
        self.begin(job)
        return job

    def _ended(self, message: str) -> None:
        self.message = message
        self.progress.end(message)
        self.end()

    def _done(self, applied: AppliedModel | None) -> None:
        if applied is None:
            self._ended("Stopped. The model was not applied.")
            return
        message = "The model was not applied."
        try:
            with all_or_nothing(self.session):
                _show(self.session, applied)
            self.applied = applied
            message = "\n".join((applied.summary, *applied.notes))
            notify_note(*applied.notes)
        finally:
            self._ended(message)


def _applied(
    path: Path, name: str, series: Volume, runs: tuple[int, ...], watch: Watch
) -> Steps[None, AppliedModel | None]:
    try:
        bundle = load_bundle(path)
        yield
        features = features_of(bundle, watch.over(series), runs, path.parent)
    except StoppedReading:
        yield  # a worker sees a stop only between yields
        return None
    yield
    table = predictions_of(bundle, features)
    probability = table[[f"p_{label}" for label in bundle.classes]].max(axis=1)
    shown = table[["volume", "run", "predicted"]].assign(probability=probability)
    shown.insert(0, "index", table["volume"] + 1)
    rows = np.arange(len(table), dtype=np.int64)
    title, model = f"{path.parent.name} on {name}", bundle.model
    volumes = []
    for layer in hidden_layers(model):
        maps = activation_maps(model, layer, features.X, bundle.space, rows, series.step, lambda _: model)
        volumes.append(replace(maps, name=f"{title} {layer}"))
        yield
    predicted = labels_of_predictions(bundle.space, series, shown, bundle.classes)
    volumes.append(replace(predicted, name=f"{title} {predicted.name}"))
    counts = table["predicted"].value_counts()
    summary = f"{title}: " + ", ".join(f"{n} predicted as {label}" for label, n in counts.items()) + "."
    return AppliedModel(volumes, summary, features.notes)


def _show(session: Session, applied: AppliedModel) -> None:
    """Show the layers in place of those of the model that was applied before."""
    for layer in [layer for layer in session.viewer.layers if MODEL_ROLE in layer.metadata]:
        session.remove(layer)
    for volume in applied.volumes:
        role = volume.name.rpartition(" ")[2]
        last = volume is applied.volumes[-1]
        layer = session.add(volume, **layer_settings(volume), visible=last)
        layer.metadata.update({MODEL_ROLE: role, HELPER: True})
        if isinstance(layer, Labels):
            layer.editable = False
        if last:
            session.viewer.layers.selection = {layer}


def _is_series(session: Session, layer: Any) -> bool:
    volume = session.volume(layer) if HELPER not in layer.metadata else None
    return volume is not None and volume.n_volumes > 1


def _runs_of(session: Session, layer: Layer) -> tuple[int, ...]:
    """Lengths of the runs, if the series is the labeled one; otherwise each file is a run."""
    table, series = session.state.labeling.table, session.series
    if layer is not session.state.preparation.series or table is None or series is None:
        return ()
    if len(table) != series.n_volumes:
        return ()
    keys = table[["subject", "session", "run"]].itertuples(index=False, name=None)
    return tuple(len(list(rows)) for _, rows in groupby(keys))
