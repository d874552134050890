"""What will be decoded: the series, the labels, the mask and the slab, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fmri_decoder._napari.qt.voxel_count import VoxelCount

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.viewer.session import Session


def data_summary(session: Session, *, use_slab: bool = True) -> str:
    """One line each about the series, the labels, the mask and the slab.

    The voxels of the mask are counted as the network sees them, within the slab.

    Parameters
    ----------
    session : Session
    use_slab : bool
        Whether the slab is decoded.
    """
    series, labeling, preparation = session.series, session.state.labeling, session.state.preparation
    if series is None:
        return "No series chosen."
    lines = [f"{series.name}: {series.n_volumes} volumes of {_size(series.shape[:3])} voxels"]
    if labeling.table is not None:
        excluded = set(labeling.labels.excluded(labeling.table["label"]) if labeling.labels else ())
        used = labeling.table[~labeling.table["label"].isin(excluded | {""})]
        lines.append(f"Labels: {used['label'].nunique()} classes on {len(used)} volumes")
    sliced = use_slab and preparation.slab is not None
    count = session.part(VoxelCount)
    if preparation.mask is None:
        lines.append("Mask: none; all voxels are used")
    elif sliced and count.used is not None:
        lines.append(f"Mask: {count.used.features:,} voxels in the slab")
    elif sliced:
        lines.append("Mask: counting its voxels in the slab…" if count.counting else "Mask: none in the slab")
    else:
        lines.append(f"Mask: {int((preparation.mask.at(0) > 0).sum()):,} voxels")
    if sliced and preparation.slab is not None:
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
