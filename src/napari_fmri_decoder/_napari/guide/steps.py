"""The steps from data to activations: what is done, what comes next, what is missing, and where it is set."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from napari_fmri_decoder._napari.layers.to_layer import is_preview
from napari_fmri_decoder._napari.viewer.camera import brain_layers
from napari_fmri_decoder.evaluation.headline import run_headline

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.qt.frame import DockName
    from napari_fmri_decoder._napari.viewer.session import Session


@dataclass(frozen=True, slots=True)
class StepState:
    """One step.

    Attributes
    ----------
    title : str
    dock : str
    control : str
        Name of the control in that dock that does the step.
    done : bool
    text : str
        What was done, or what is missing, as HTML.
    optional : bool
        Whether the next step is possible without this one.
    """

    title: str
    dock: DockName
    control: str
    done: bool
    text: str
    optional: bool = False


def steps(session: Session) -> list[StepState]:
    """Return the five steps, in their order."""
    return [_data(session), _prepare(session), _labels(session), _train(session), _look_inside(session)]


def next_step(states: list[StepState]) -> int:
    """Index of the step that comes next: the first that is not done and whose later steps are not, either.

    Examples
    --------
    >>> data = StepState("Data", "View", "open_data", True, "")
    >>> mask = StepState("Prepare", "Prepare", "mask", False, "", optional=True)
    >>> labels = StepState("Labels", "Labels", "source", True, "")
    >>> next_step([data, mask]), next_step([data, mask, labels])
    (1, 3)
    """
    for i, state in enumerate(states):
        if not state.done and not (state.optional and any(later.done for later in states[i + 1 :])):
            return i
    return len(states)


def _data(session: Session) -> StepState:
    series = session.series
    if series is not None:
        return StepState(
            "Data", "Prepare", "series", done=True, text=f"{escape(series.name)}: {series.n_volumes} volumes."
        )
    if any(not is_preview(layer) for layer in brain_layers(session.viewer)):
        text = "Choose the series to decode in Prepare, or open one."
        return StepState("Data", "Prepare", "series", done=False, text=text)
    text = "Open a series: a 4-D image, or a folder of maps."
    return StepState("Data", "View", "open_data", done=False, text=text)


def _prepare(session: Session) -> StepState:
    preparation = session.state.preparation
    made = []
    if preparation.mask is not None:
        made.append(f"a mask ({escape(preparation.mask.name)})")
    if preparation.slab_placement is not None:
        made.append(f"a slab of {min(preparation.slab_placement.scanner.shape)} planes")
    text = "Optional: a mask, a rotation and a slab. Without them, all voxels are decoded."
    if made:
        text = f"Made {' and '.join(made)}."
    return StepState("Prepare", "Prepare", "mask_strategy", done=bool(made), text=text, optional=True)


def _labels(session: Session) -> StepState:
    table, series = session.state.labeling.table, session.series
    if series is None or table is None or len(table) != series.n_volumes:
        text = "Give each volume its label and run." if series is not None else "Needs a series."
        return StepState("Labels", "Labels", "source", done=False, text=text)
    labels = session.state.labeling.labels
    names = sorted(set(table["label"]) - {""})
    excluded = set(labels.excluded(table["label"])) if labels is not None else set()
    names = [name for name in names if name not in excluded]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    text = f"{escape(shown)}: {len(names)} classes in {table['run'].nunique()} runs."
    return StepState("Labels", "Labels", "source", done=True, text=text)


def _train(session: Session) -> StepState:
    result, training = session.state.results.result, session.state.results.training
    if training:
        text = f"Training {escape(training)}. Its dock shows the progress; Stop is there as well."
        return StepState("Train", "Train", "stop_button", done=False, text=text)
    if result is not None:
        text = run_headline(result.scores).html
        return StepState("Train", "Train", "train_button", done=True, text=text)
    ready = _labels(session).done
    text = "Press Train. Check shows first what the run will do." if ready else "Needs labels."
    return StepState("Train", "Train", "train_button", done=False, text=text)


def _look_inside(session: Session) -> StepState:
    trained = session.state.results.result is not None
    text = (
        "Show the activations of a layer, predictions, confusion matrices."
        if trained
        else "Needs a finished run."
    )
    control = "filters.layer" if trained else "page"
    return StepState("Look inside", "Look inside", control, done=False, text=text)
