"""Read images: single ones, series, and folders of maps stacked into one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.files import existing
from napari_fmri_decoder.volumes import headers
from napari_fmri_decoder.volumes.atlas_names import regions_of
from napari_fmri_decoder.volumes.files import deduplicate_pairs, images_in, natural_key, stem
from napari_fmri_decoder.volumes.frames import Grid, is_straight
from napari_fmri_decoder.volumes.headers import Transform, placement
from napari_fmri_decoder.volumes.joining import join_volumes
from napari_fmri_decoder.volumes.kind_and_tr import determine_kind_and_tr
from napari_fmri_decoder.volumes.kinds import ESTIMATE, ImageFacts
from napari_fmri_decoder.volumes.mask_voxels import NOT_BINARY, marked_voxels
from napari_fmri_decoder.volumes.opening import open_image
from napari_fmri_decoder.volumes.read_errors import clear_errors
from napari_fmri_decoder.volumes.series import FileSeries
from napari_fmri_decoder.volumes.volume import Kind, Part, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read(
    path: str | Path, *, transform: Transform = "auto", kind: Kind | None = None, tr: float | None = None
) -> Volume:
    """Read an image file, or a folder of maps as one series.

    A single image is read into memory; a series is read volume by volume, on access.

    Parameters
    ----------
    path : str or Path
        NIfTI-1 or -2 (`.nii`, `.nii.gz`, or a `.hdr` and `.img`), MGH (`.mgh`, `.mgz`), Analyze 7.5
        (either of `.hdr` and `.img`), AFNI (either of `.HEAD` and `.BRIK`), or a folder of such
        images on the same grid.
    transform : {"auto", "sform", "qform"}
        Which transform of a NIfTI header to use; auto is its sform if set, else its qform.
    kind : {"anatomy", "bold", "stat", "mask", "atlas"}, optional
        What the image shows, if known; else it is inferred (see `kinds`).
    tr : float, optional
        Seconds between volumes, if known; the image is then a time series. Else from the header.

    Returns
    -------
    Volume
        In the file's voxel order. The file names of a folder, in natural order, are the names along
        the last axis. Its notes describe assumptions.

    Raises
    ------
    InputError
        If the file is missing, is not an image, ends early, has values that are not real numbers, has
        no valid affine, lacks the requested transform, or has more than four axes.
    """
    path = existing(Path(path))
    if path.is_dir():
        files = images_in(path)
        if not files:
            raise InputError(
                f"A folder of maps must contain images, such as .nii.gz files, found none in {path}. "
                "Check the path."
            )
        return replace(read_series(files, transform=transform, kind=kind, tr=tr), name=path.name)
    return _read_file(path, transform, kind, tr)


def read_series(
    paths: Iterable[str | Path],
    *,
    transform: Transform = "auto",
    kind: Kind | None = None,
    tr: float | None = None,
) -> Volume:
    """Join files on the same grid along the last axis, without reading all of their voxels.

    Parameters
    ----------
    paths : iterable of str or Path
        A list or tuple keeps its order; other iterables (``folder.glob(...)``) are sorted naturally.
        Duplicates, and the two files of a pair, count once. 3-D files give their names to their volumes.
    transform, kind, tr
        See `read`.

    Returns
    -------
    Volume
        With one `Part` per file.

    Raises
    ------
    InputError
        If there is no file, or a file has another grid or another TR than the first.
    """
    listed = paths if isinstance(paths, Sequence) else sorted(paths, key=natural_key)
    files = deduplicate_pairs(map(Path, listed))
    if not files:
        raise InputError("A series needs at least one file, found none.")
    volumes = [_read_file(p, transform, kind, tr) for p in files]
    if len(volumes) == 1:
        return volumes[0]
    return join_volumes(volumes, files, kind, tr)


def _read_file(path: Path, transform: Transform, stated: Kind | None, tr: float | None) -> Volume:
    path = existing(path)
    image, repairs = open_image(path)
    with clear_errors(path):
        shape = squeezed(image.shape, path)
        data = FileSeries(image, shape, path)
        place = placement(image, transform)
        series = len(shape) == 4
        code, intent, parameters = headers.intent(image)
        comment = headers.own_comment(image)
        two = data[..., :2] if series else None  # at once: a gzip is read from its beginning
        first = data.read_all() if two is None else two[..., 0]
        facts = ImageFacts(
            path.name,
            first,
            series,
            ESTIMATE if headers.is_statistic(image) else code,
            headers.repetition_time(image) if series else None,
            headers.is_tr_reliable(image),
            len(image.shape) == 5 and image.shape[3] == 1 and image.shape[4] > 1,
            None if two is None else two[..., 1],
        )
    own = comment.get("kind") if comment.get("kind") in get_args(Kind) else None
    timed = bool(comment.get("timed"))
    kind, by, step, step_from, assumptions = determine_kind_and_tr(facts, stated, tr, own, timed)
    regions, unnamed = regions_of(path) if kind == "atlas" else ({}, ())
    volume = Volume(
        data if series else first,
        place.affine,
        kind,
        step,
        headers.names(image, shape[3]) if series and step is None else (),
        stem(path),
        (Part(str(path), shape[3] if series else 1),),
        intent=intent,
        intent_parameters=parameters,
        intent_name=headers.intent_name(image),
        space=place.space,
        notes=(*place.notes, *assumptions, *_not_binary(kind, first, series), *repairs, *unnamed),
        regions=regions or headers.regions(image),
        kind_from=by,
        step_from=step_from,
    )
    _check_place(volume.grid, path)
    return volume


def _check_place(grid: Grid, path: Path) -> None:
    """Raise an error for an affine with impossible positions, from a damaged header.

    Oblique voxels that are a thousand times longer than wide could not be shown either.
    """
    with np.errstate(all="ignore"):
        size = grid.voxel_size
        skew = abs(np.linalg.det(grid.affine[:3, :3] / size))
    sensible = 1e-6 < size.min() and size.max() < 1e6 and np.abs(grid.corners).max() < 1e7 and skew > 1e-3
    if not sensible or (size.max() > 1e3 * size.min() and not is_straight(grid.affine)):
        raise InputError(
            f"The affine of {path.name} must give voxels a plausible size and position, found "
            f"{grid.affine[:3].tolist()}. Choose the other of sform and qform, or repair the header."
        )


def _not_binary(kind: Kind, values: NDArray[Any], series: bool) -> tuple[str, ...]:
    """Make a note about a mask that is not binary."""
    doubt = marked_voxels(values)[1] if kind == "mask" and not series else None
    return (f"{NOT_BINARY}{doubt}",) if doubt else ()


def squeezed(shape: Sequence[int], path: Path) -> tuple[int, ...]:
    """Reduce a shape to 3 or 4 axes: drop trailing axes of length 1, add missing ones."""
    lengths = list(shape)
    while len(lengths) > 3 and lengths[-1] == 1:
        lengths.pop()
    if len(lengths) == 5 and lengths[3] == 1:
        lengths.pop(3)
    lengths += [1] * (3 - len(lengths))
    if not shape or len(lengths) > 4 or min(lengths) < 1:
        raise InputError(
            f"An image must have 3 axes (x, y, z) or 4 (x, y, z, n), found shape {tuple(shape)} in "
            f"{path.name}."
        )
    return tuple(int(n) for n in lengths)
