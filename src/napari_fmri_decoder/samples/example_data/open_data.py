"""Open data: the MNI anatomy and a motor z-map shipped with nilearn, and Haxby 2001 as a download."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.volume import Volume

_HAXBY = "haxby2001"
_SUBJECTS = range(1, 7)


def mni_anatomy() -> Volume:
    """Load the MNI152 template (ICBM 2009a, T1, skull-stripped) shipped with nilearn.

    Returns
    -------
    Volume
        (197, 233, 189) float32 of 1 mm, 0 to 1, kind "anatomy".
    """
    path = _shipped("mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")
    if path is None:
        from nilearn.datasets import load_mni152_template

        image = load_mni152_template(resolution=1)
        data, affine = np.array(image.dataobj, dtype=np.float32), np.asarray(image.affine, dtype=np.float64)
    else:
        template = read(path)
        data, affine = template.at(0).astype(np.float32), template.affine
        data /= data.max()
    return Volume(data, affine, "anatomy", name="MNI152 template")


def _shipped(name: str) -> Path | None:
    """Find a file of nilearn without importing nilearn, which takes more time than reading it."""
    found = find_spec("nilearn")
    folders = found.submodule_search_locations if found is not None else None
    paths = [Path(folder) / "datasets" / "data" / name for folder in folders or ()]
    return next((path for path in paths if path.is_file()), None)


def motor_map() -> Volume:
    """Load the z-map of left versus right button presses shipped with nilearn.

    It is image 10426 of neurovault.org, in MNI space.

    Returns
    -------
    Volume
        (53, 63, 46) float32 of 3 mm, kind "stat".
    """
    from nilearn.datasets import load_sample_motor_activation_image

    volume = read(load_sample_motor_activation_image()).load()
    return replace(volume, kind="stat", name="motor z-map", step=None, parts=())


@dataclass(frozen=True, slots=True, eq=False)
class Haxby:
    """One subject of Haxby and colleagues (2001).

    Attributes
    ----------
    bold : Volume
        (40, 64, 64, 1452), TR 2.5 s, read on demand.
    anatomy : Volume or None
        T1; subject 6 has none.
    mask : Volume
        Ventral temporal cortex, on the grid of `bold`.
    table : DataFrame of one row per volume
        `volume` (int), `label` (eight categories and "rest"), `run` ("0" to "11").
    """

    bold: Volume
    anatomy: Volume | None
    mask: Volume
    table: pd.DataFrame


HAXBY_SUBJECT = 2
"""The subject that the window opens."""


def haxby_2001(subject: int = HAXBY_SUBJECT, data_dir: Path | None = None) -> Haxby:
    """Load Haxby 2001; download it (about 300 MB per subject) if needed.

    Parameters
    ----------
    subject : int
        1 to 6.
    data_dir : Path, optional
        Folder with the folder `haxby2001`, or for the download. By default as in nilearn:
        NILEARN_SHARED_DATA, NILEARN_DATA, or `nilearn_data` in the home folder.

    Returns
    -------
    Haxby

    Raises
    ------
    InputError
        If there is no such subject, or the data are neither on this computer nor can be downloaded.
    """
    if subject not in _SUBJECTS:
        raise InputError(f"Haxby 2001 has subjects 1 to 6, got subject {subject}. Choose one of them.")
    from nilearn.datasets import fetch_haxby, get_data_dirs

    data_dirs = [Path(folder) for folder in get_data_dirs(data_dir)]
    try:
        found = fetch_haxby(data_dir=data_dir, subjects=[subject], verbose=0)
    except (OSError, ValueError) as error:
        _remove_failed_download(data_dirs)
        raise InputError(_download_error(error, data_dirs)) from error
    bold = read(found.func[0])
    targets = pd.read_csv(found.session_target[0], sep=r"\s+")
    if len(targets) != bold.n_volumes:
        raise InputError(
            f"Haxby 2001 must have one label per volume, found {len(targets)} labels for {bold.n_volumes} "
            f"volumes. Delete {Path(found.func[0]).parent} and open it again."
        )
    table = pd.DataFrame(
        {
            "volume": np.arange(len(targets)),
            "label": targets["labels"].astype(str),
            "run": targets["chunks"].astype(str),
        }
    )
    return Haxby(
        bold=replace(bold, name=f"Haxby 2001 subject {subject}", kind="bold", step=float(found.t_r)),
        anatomy=_anatomy(found.anat, subject),
        mask=replace(read(found.mask_vt[0]), name="ventral temporal mask", kind="mask"),
        table=table,
    )


def _anatomy(paths: list[str | None], subject: int) -> Volume | None:
    if not paths or paths[0] is None:
        return None
    return replace(read(paths[0]), name=f"Haxby 2001 subject {subject} anatomy", kind="anatomy")


def _download_error(error: Exception, data_dirs: list[Path]) -> str:
    reason = " ".join(str(error).split())[:160] or type(error).__name__
    searched = " or ".join(str(folder / _HAXBY) for folder in data_dirs)
    return (
        "Haxby 2001 must be on this computer or downloaded, which needs a network; it was not found in "
        f"{searched}, and the download failed: {reason}. Connect to the network and open it again, or put "
        f"the data in a folder {_HAXBY} and set the environment variable NILEARN_DATA to its parent folder."
    )


def _remove_failed_download(data_dirs: list[Path]) -> None:
    """Remove the files of a failed download, except partial files (`.part`) that can be resumed."""
    for data_dir in data_dirs:
        folder = data_dir / _HAXBY
        if not folder.is_dir():
            continue
        for sandbox in folder.iterdir():  # nilearn downloads into a folder named by an MD5 sum
            if not re.fullmatch(r"[0-9a-f]{32}", sandbox.name) or not sandbox.is_dir():
                continue
            if not any(part.stat().st_size for part in sandbox.rglob("*.part")):
                shutil.rmtree(sandbox)
        if not any(folder.iterdir()):
            folder.rmdir()
