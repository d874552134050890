"""The size of the samples that a run would have, as far as it is known before they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder._napari.qt.voxel_count import VoxelCount

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.viewer.session import Session


def sample_size(session: Session, *, use_slab: bool) -> tuple[int, int] | None:
    """Find the numbers of voxels and classes of the samples.

    Parameters
    ----------
    session : Session
    use_slab : bool
        Whether the run uses the slab.

    Returns
    -------
    tuple of int, or None
        None while one of them is not known.
    """
    series, labeling, preparation = session.series, session.state.labeling, session.state.preparation
    if series is None or labeling.table is None:
        return None
    excluded = labeling.labels.excluded(labeling.table["label"]) if labeling.labels is not None else ()
    n_classes = len(set(labeling.table["label"]) - {"", *excluded})
    used = session.part(VoxelCount).used
    if preparation.slab is not None and not use_slab:
        return None
    if used is not None:
        return used.features, n_classes
    if preparation.slab is None and preparation.mask is None:
        return int(np.prod(series.grid.shape)), n_classes
    return None
