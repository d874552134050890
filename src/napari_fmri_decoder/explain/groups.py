"""Groups of volumes, chosen by how a cross-validation predicted them, and the mean map of a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.predictions import predictions_table
from napari_fmri_decoder.explain.base import Explainer, Explanation, mean_explanation
from napari_fmri_decoder.options import Options, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.training.events import FittedModel, FoldResult


class Group(Options):
    """Which volumes belong to a group: those that meet all conditions; without conditions, all."""

    label: tuple[str, ...] = Field((), description="Classes of the volumes; empty for all.")
    predicted: tuple[str, ...] = Field((), description="Predicted classes; empty for all.")
    run: tuple[str, ...] = Field((), description="Runs; empty for all.")
    outcome: Literal["all", "right", "wrong"] = Field("all", description="Whether the prediction was right.")
    at_least: float = Field(0.0, description="Smallest probability of the predicted class.", ge=0, le=1)
    at_most: float = Field(1.0, description="Largest probability of the predicted class.", ge=0, le=1)

    @property
    def text(self) -> str:
        """The conditions, for names and messages."""
        parts = [f"{name} {', '.join(getattr(self, name))}" for name in ("label", "predicted", "run")]
        parts = [
            part
            for part, name in zip(parts, ("label", "predicted", "run"), strict=True)
            if getattr(self, name)
        ]
        parts += [self.outcome] if self.outcome != "all" else []
        if (self.at_least, self.at_most) != (0.0, 1.0):
            parts.append(f"probability {self.at_least:g} to {self.at_most:g}")
        return ", ".join(parts) or "all"


def group_rows(group: Group, samples: Samples, folds: Sequence[FoldResult]) -> list[NDArray[np.int64]]:
    """Find the held-out samples of a group: their rows in `samples`, one array per fold.

    Raises
    ------
    InputError
        If a class or run does not exist, or the group is empty.
    """
    table = predictions_table(folds, samples)
    runs = table["run"].astype(str)
    known = {"label": samples.classes, "predicted": samples.classes, "run": tuple(dict.fromkeys(runs))}
    for name, values in known.items():
        if unknown := [value for value in getattr(group, name) if value not in values]:
            raise InputError(
                f"The {name} of a group must be one of {', '.join(values)}, got {shown(unknown[0])}."
            )
    largest = table[[f"p_{name}" for name in samples.classes]].max(axis=1)
    keep = (largest >= group.at_least) & (largest <= group.at_most)
    for column, wanted in (
        (table["true"], group.label),
        (table["predicted"], group.predicted),
        (runs, group.run),
    ):
        keep &= column.isin(wanted) if wanted else True
    if group.outcome != "all":
        keep &= (table["true"] == table["predicted"]) == (group.outcome == "right")
    if not keep.any():
        raise InputError(
            f"A group must have at least one held-out volume, found none with: {group.text}. "
            "Relax a condition."
        )
    chosen = np.split(keep.to_numpy(), np.cumsum([len(fold.split.test) for fold in folds])[:-1])
    return [fold.split.test[part] for fold, part in zip(folds, chosen, strict=True)]


def group_mean(
    method: Explainer,
    samples: Samples,
    folds: Sequence[FoldResult],
    group: Group,
    model: FittedModel | None = None,
) -> Explanation:
    """Average the maps of a group over its volumes, each explained by the model that held it out.

    Parameters
    ----------
    method : Explainer
        With maps of single samples.
    samples : Samples
    folds : sequence of FoldResult
    group : Group
    model : FittedModel, optional
        Explains all volumes instead, such as the model fitted on all samples, which has seen them in
        training. Maps of hidden units of different folds cannot be averaged, and need this, or a group
        within one fold.

    Returns
    -------
    Explanation
        Of one sample, with the names of the classes.

    Raises
    ------
    InputError
        If the group is empty, or the maps of its volumes cannot be averaged.
    """
    if not method.per_sample:
        raise InputError(
            f"The maps of {method.name} are not of single volumes, so groups have none. "
            "Choose another method."
        )
    rows = group_rows(group, samples, folds)
    used = [(fold.model, part) for fold, part in zip(folds, rows, strict=True) if len(part)]
    if model is not None:
        used = [(model, np.concatenate(rows))]
    if len(used) > 1 and not method.over_folds:
        raise InputError(
            f"The maps of {method.name} cannot be averaged over folds, because hidden units of two models do "
            "not correspond to each other. Choose the model of all samples, or a group within one fold."
        )
    means = [mean_explanation(method, one, samples.X[part], samples.space) for one, part in used]
    sizes = [len(part) for _, part in used]
    values = np.average([m.values for m in means], axis=0, weights=sizes).astype(np.float32)
    return replace(means[0], values=values).named(samples.classes)


def difference(one: Explanation, other: Explanation) -> Explanation:
    """Subtract the maps of another group."""
    if one.names != other.names or not one.grid.same_as(other.grid):
        raise InputError("Only maps of the same method, layer and voxels have a difference.")
    return replace(one, values=one.values - other.values)
