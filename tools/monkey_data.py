"""The files that the monkey opens: a small part of the phantom, damaged files, and real scans if present."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fmri_decoder.samples.example_data.phantom import make_phantom
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.frames import Grid

PLANES = slice(16, 23)
"""Axial planes of the phantom, with eyes and visual cortex."""
RUNS, LENGTH = 2, 64
"""Runs, and volumes of each; as in the phantom."""
DATA = "{data}"
"""Stands for the folder in the actions."""
RECIPE = """
[data]
images = ["run-1_bold.nii.gz", "run-2_bold.nii.gz"]
[labels]
source = "table"
table = "volumes.tsv"
[prepare]
detrend = true
standardize_runs = true
[decoder]
name = "mlp"
hidden = [3]
[training]
epochs = 2
threads = 1
"""


def make_data(folder: Path) -> None:
    """Write all files; the environment variable `FMRI_DECODER_DATA` names the folder of the real scans."""
    folder.mkdir(parents=True, exist_ok=True)
    phantom = make_phantom()
    bold, table = phantom.bold, phantom.table.iloc[: RUNS * LENGTH]
    planes = _from_plane(bold.grid, PLANES.start)
    data = np.asarray(bold.data)[:, :, PLANES, : RUNS * LENGTH]
    for run in range(RUNS):
        part = data[..., run * LENGTH : (run + 1) * LENGTH]
        write(replace(bold, data=part, affine=planes), folder / f"run-{run + 1}_bold.nii.gz")
    table.to_csv(folder / "volumes.tsv", sep="\t", index=False)
    mask = np.asarray(phantom.mask.data)[:, :, PLANES]
    write(Volume(mask, planes, "mask"), folder / "brain_mask.nii.gz")
    odd = table["label"].to_numpy() == "open"
    difference = data[..., odd].mean(axis=-1) - data[..., ~odd].mean(axis=-1)
    spread = data.std(axis=-1)
    z = np.divide(difference, spread, out=np.full(spread.shape, np.nan), where=spread > 0)
    write(Volume(z.astype(np.float32), planes, "stat"), folder / "open_zmap.nii.gz")
    anatomy = phantom.anatomy
    coarse = np.asarray(anatomy.affine) @ np.diag([3.0, 3.0, 3.0, 1.0])
    write(
        replace(anatomy, data=np.asarray(anatomy.data)[::3, ::3, ::3], affine=coarse),
        folder / "head_T1w.nii.gz",
    )
    empty: Any = np.full((5, 6, 4), np.nan, dtype=np.float32)
    write(Volume(empty, np.diag([4.0, 4, 4, 1]), "stat"), folder / "empty_zmap.nii.gz")
    (folder / "broken.nii.gz").write_bytes(b"\x1f\x8b no image")
    (folder / "wrong.tsv").write_text("label\nopen\nclosed\n")
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "wrong.toml").write_text("[decoder]\nname = 7\n")
    real = Path(os.environ.get("FMRI_DECODER_DATA", "")) / "haxby_slice"
    if os.environ.get("FMRI_DECODER_DATA") and real.is_dir():
        (folder / "haxby").symlink_to(real.resolve(), target_is_directory=True)


def _from_plane(grid: Grid, start: int) -> Any:
    """The affine of the planes from `start` on."""
    affine = np.array(grid.affine)
    affine[:3, 3] += start * affine[:3, 2]
    return affine


def images(folder: Path) -> list[tuple[str, ...]]:
    """Images that are opened together, as names within the folder."""
    found = [
        ("run-1_bold.nii.gz", "run-2_bold.nii.gz"),
        ("run-1_bold.nii.gz",),
        ("head_T1w.nii.gz",),
        ("open_zmap.nii.gz",),
        ("brain_mask.nii.gz",),
        ("empty_zmap.nii.gz",),
        ("broken.nii.gz",),
    ]
    if (folder / "haxby").is_dir():
        runs = sorted(p.name for p in (folder / "haxby" / "sub-1" / "func").glob("*_bold.nii.gz"))[:2]
        found += [tuple(f"haxby/sub-1/func/{name}" for name in runs), ("haxby/bold.nii.gz",)]
        found += [("haxby/mask.nii.gz",)]
    return found


def paths() -> list[str]:
    """What is typed into lines of paths, and chosen in file dialogs."""
    names = ["volumes.tsv", "wrong.tsv", "recipe.toml", "wrong.toml", "brain_mask.nii.gz", "broken.nii.gz"]
    names += ["run-1_bold.nii.gz", "missing.tsv", ".", "new/folder/file", "haxby", "haxby/volumes.tsv"]
    others = ["", "/proc/1/mem", "~", "$HOME/x", "*.nii.gz", "\N{GREEK SMALL LETTER ALPHA}/\N{SNOWMAN}"]
    return [f"{DATA}/{name}" for name in names] + others
