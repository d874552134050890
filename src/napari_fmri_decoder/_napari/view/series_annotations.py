"""Which series the Voxel tab shows, and the label, run and name of each of its volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder._napari.layers.to_layer import KEY
from napari_fmri_decoder._napari.plots import VolumeAnnotations
from napari_fmri_decoder._napari.viewer.camera import brain_layers
from napari_fmri_decoder.evaluation.palette import label_colors
from napari_fmri_decoder.samples.samples import group_keys
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.samples.labels import LabelsConfig


def find_series(session: Session) -> Volume | None:
    """Return the series of the selected layer, else the session's series, else the topmost visible one."""
    viewer = session.viewer
    visible = [layer for layer in reversed(brain_layers(viewer)) if layer.visible]
    for layer in (viewer.layers.selection.active, session.state.preparation.series, *visible):
        volume = layer.metadata.get(KEY) if layer is not None else None
        if isinstance(volume, Volume) and volume.is_series:
            return volume
    return None


def annotate(
    series: Volume | None, table: pd.DataFrame | None, labels: LabelsConfig | None
) -> VolumeAnnotations:
    """Collect what is known of each volume of a series.

    Parameters
    ----------
    series : Volume or None
    table : DataFrame or None
        The session's table of labels; ignored if its length differs from the series.
    labels : LabelsConfig or None
        Its excluded labels have no color.
    """
    if series is None:
        return VolumeAnnotations(0)
    n = series.n_volumes
    if table is not None and len(table) == n:
        colors = label_colors(table["label"], labels.excluded(table["label"]) if labels else ())
        runs = tuple(group_keys(table).tolist())
        return VolumeAnnotations(n, series.step, series.names, tuple(table["label"]), runs, colors)
    runs = ()
    if any(part.n_volumes > 1 for part in series.parts[1:]):  # one file per run
        runs = tuple(str(i) for i, part in enumerate(series.parts, start=1) for _ in range(part.n_volumes))
    return VolumeAnnotations(n, series.step, series.names, (), runs if len(runs) == n else ())
