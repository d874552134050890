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
from napari_fmri_decoder.volumes.files import images_in, natural_key, once, stem
from napari_fmri_decoder.volumes.frames import Grid, is_straight
from napari_fmri_decoder.volumes.headers import Transform, placement
from napari_fmri_decoder.volumes.inside import FUZZY, inside
from napari_fmri_decoder.volumes.joining import joined
from napari_fmri_decoder.volumes.kinds import ESTIMATE, ImageFacts
from napari_fmri_decoder.volumes.opening import clear_errors, open_image
from napari_fmri_decoder.volumes.series import FileSeries
from napari_fmri_decoder.volumes.settling import settle
from napari_fmri_decoder.volumes.volume import Kind, Part, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read(
    path: str | Path, *, transform: Transform = "auto", kind: Kind | None = None, tr: float | None = None
) -> Volume:
    """Read an image file, or a folder of maps as one series.

    A single image is read into memory; a series is read volume by volume when it is asked for.

    Parameters
    ----------
    path : str or Path
        NIfTI-1 or -2 (`.nii`, `.nii.gz`, or a `.hdr` and `.img`), MGH (`.mgh`, `.mgz`), Analyze 7.5
        (either of `.hdr` and `.img`), AFNI (either of `.HEAD` and `.BRIK`), or a folder of such
        images of one grid.
    transform : {"auto", "sform", "qform"}
        Which transform of a NIfTI header places the image; auto is its sform, else its qform.
    kind : {"anatomy", "bold", "stat", "mask", "atlas"}, optional
        What the image shows, where it is known; else it is found out (see `kinds`).
    tr : float, optional
        Seconds between volumes, where they are known; a series is one in time then. Else the header's.

    Returns
    -------
    Volume
        In the file's voxel order. A folder's file names, naturally sorted, are the names along the
        last axis. Its notes say what was assumed.

    Raises
    ------
    InputError
        If the file is missing, is no image, ends early, holds no real numbers, has no usable
        affine or not the transform that was asked for, or more than four axes.
    """
    path = existing(Path(path))
    if path.is_dir():
        files = images_in(path)
        if not files:
            raise InputError(
                f"A folder of maps must hold images, such as .nii.gz files, found none in {path}."
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
    """Join files of one grid along the last axis, without reading them whole.

    Parameters
    ----------
    paths : iterable of str or Path
        A list or tuple keeps its order; what has none, as what a pattern gives (``folder.glob(...)``),
        is sorted naturally. A file that comes twice, and the two files of a pair, count once. 3-D files
        give their names to their volumes.
    transform, kind, tr
        See `read`.

    Returns
    -------
    Volume
        With one `Part` per file.

    Raises
    ------
    InputError
        If there is no file, or one lies on another grid than the first or steps at another TR.
    """
    listed = paths if isinstance(paths, Sequence) else sorted(paths, key=natural_key)
    files = once(map(Path, listed))
    if not files:
        raise InputError("A series needs at least one file, found none.")
    volumes = [_read_file(p, transform, kind, tr) for p in files]
    if len(volumes) == 1:
        return volumes[0]
    return joined(volumes, files, kind, tr)


def _read_file(path: Path, transform: Transform, stated: Kind | None, tr: float | None) -> Volume:
    path = existing(path)
    image, mended = open_image(path)
    with clear_errors(path):
        shape = squeezed(image.shape, path)
        data = FileSeries(image, shape, path)
        place = placement(image, transform)
        series = len(shape) == 4
        code, intent, parameters = headers.intent(image)
        kept = headers.kept(image)
        two = data[..., :2] if series else None  # at once: a gzip is read from its beginning
        first = data.whole() if two is None else two[..., 0]
        facts = ImageFacts(
            path.name,
            first,
            series,
            ESTIMATE if headers.is_statistic(image) else code,
            headers.seconds(image) if series else None,
            headers.means_its_step(image),
            len(image.shape) == 5 and image.shape[3] == 1 and image.shape[4] > 1,
            None if two is None else two[..., 1],
        )
    own = kept.get("kind") if kept.get("kind") in get_args(Kind) else None
    kind, by, step, step_from, assumed = settle(facts, stated, tr, own, bool(kept.get("timed")))
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
        notes=(*place.notes, *assumed, *_fuzzy(kind, first, series), *mended, *unnamed),
        regions=regions or headers.regions(image),
        kind_from=by,
        step_from=step_from,
    )
    _check_place(volume.grid, path)
    return volume


def _check_place(grid: Grid, path: Path) -> None:
    """Refuse an affine that places voxels where none can be: of a damaged header.

    Nor could voxels be shown obliquely that are a thousand times longer than wide.
    """
    with np.errstate(all="ignore"):
        size = grid.voxel_size
        skew = abs(np.linalg.det(grid.affine[:3, :3] / size))
    sensible = 1e-6 < size.min() and size.max() < 1e6 and np.abs(grid.corners).max() < 1e7 and skew > 1e-3
    if not sensible or (size.max() > 1e3 * size.min() and not is_straight(grid.affine)):
        raise InputError(
            f"The affine of {path.name} must give voxels a size and place in the scanner, found "
            f"{grid.affine[:3].tolist()}. Choose the other of sform and qform, or repair the header."
        )


def _fuzzy(kind: Kind, values: NDArray[Any], series: bool) -> tuple[str, ...]:
    """Say so where a mask is not binary."""
    doubt = inside(values)[1] if kind == "mask" and not series else None
    return (f"{FUZZY}{doubt}",) if doubt else ()


def squeezed(shape: Sequence[int], path: Path) -> tuple[int, ...]:
    """Shape with 3 or 4 axes: trailing axes of length 1 dropped, missing ones added."""
    kept = list(shape)
    while len(kept) > 3 and kept[-1] == 1:
        kept.pop()
    if len(kept) == 5 and kept[3] == 1:
        kept.pop(3)
    kept += [1] * (3 - len(kept))
    if not shape or len(kept) > 4 or min(kept) < 1:
        raise InputError(
            f"An image must have 3 axes (x, y, z) or 4 (x, y, z, n), found shape {tuple(shape)} in "
            f"{path.name}."
        )
    return tuple(int(n) for n in kept)
