"""Put a method of `explain` to a trained model and a scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain import get_explainer
from napari_fmri_decoder.pipeline.predicting import features_of
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from pathlib import Path

    from napari_fmri_decoder.training.bundle import Bundle

_AT_ONCE = 64


def explain_series(
    bundle: Bundle,
    series: Volume,
    options: dict[str, Any],
    *,
    volume: int | None = None,
    runs: tuple[int, ...] = (),
    home: Path | None = None,
) -> tuple[Volume, tuple[str, ...]]:
    """Make the maps of one volume, or their mean over all.

    Parameters
    ----------
    bundle : Bundle
    series : Volume
    options : dict
        `name` of the method, and its options, such as `layer`.
    volume : int, optional
        Position in the series; the mean over all volumes if None.
    runs : tuple of int
        Volumes of each run; see `features_of`.
    home : Path, optional
        Folder of the model's file; see `features_of`.

    Returns
    -------
    maps : Volume
        (x, y, z, map) float32 in scanner space, named by filter.
    notes : tuple of str
    """
    method = get_explainer(options)
    features = features_of(bundle, series, runs, home)
    n = len(features.X)
    if volume is not None and not 0 <= volume < n:
        raise InputError(f"The volume must lie between 0 and {n - 1}, got {volume}.")
    rows = np.arange(n) if volume is None else np.array([volume])
    total = np.zeros(0)
    for part in np.array_split(rows, -(-len(rows) // _AT_ONCE)):
        explanation = method.explain(bundle.model, features.X[part], bundle.space)
        summed = explanation.values.sum(axis=0, dtype=np.float64)
        total = summed if not total.size else total + summed
    maps = np.moveaxis(total / len(rows), 0, -1).astype(np.float32)
    name = f"{bundle.model.decoder.name} {options.get('layer', options['name'])}"
    return Volume(maps, explanation.grid.affine, "stat", None, explanation.names, name), features.notes
