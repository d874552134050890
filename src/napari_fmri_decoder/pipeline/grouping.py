"""Maps of groups of a run's volumes, and differences of two groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_fmri_decoder.explain import get_explainer
from napari_fmri_decoder.explain.groups import Group, difference, group_mean
from napari_fmri_decoder.pipeline.explaining import Explained, Models

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline.events import RunResult


def explain_group(
    result: RunResult,
    options: dict[str, Any],
    group: Group,
    minus: Group | None = None,
    models: Models = "folds",
) -> Explained:
    """Average the maps of a group of held-out volumes, or subtract those of another group.

    Parameters
    ----------
    result : RunResult
    options : dict
        `name` of the method, and its options.
    group : Group
    minus : Group, optional
        Its mean is subtracted.
    models : {"folds", "all"}
        Each volume is explained by the model that held it out, or all by the model that was fitted on all
        samples, which has seen them in training.

    Raises
    ------
    InputError
        If a group is empty, or the maps of its volumes cannot be averaged.
    """
    method, samples = get_explainer(options), result.prepared.samples
    model = result.model if models == "all" else None
    maps = group_mean(method, samples, result.folds, group, model)
    source = f"mean over held-out volumes ({group.text})"
    if minus is not None:
        maps = difference(maps, group_mean(method, samples, result.folds, minus, model))
        source += f", minus that of others ({minus.text})"
    by = "each by the model that held it out"
    if model is not None:
        by = "by the model of all samples, which has seen them in training"
    return Explained(maps, method, result.model.decoder, f"{source}, {by}", models, seen=model is not None)
