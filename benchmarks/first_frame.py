"""The first frame of a long compressed series: our reader against reading the file whole.

64 x 64 x 36 x 400 voxels of int16 in a .nii.gz; each measurement in a fresh interpreter, its imports
done before. Memory is what the peak lies above the memory in use before. The interpreter that has
napari-nifti is named by FMRI_DECODER_BENCH_PEER (`tox run -e bench` sets it).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from timing import Row, children_in_turn, finish, memory_mib

SHAPE = (64, 64, 36, 400)


def make(path: Path) -> None:
    """Write a made-up scan: a smooth head, drift, and noise of 2%."""
    import nibabel as nib

    rng = np.random.default_rng(0)
    place = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE[:3]), indexing="ij"))
    radius = np.sqrt((place**2).sum(axis=0))
    head = np.where(radius < 0.9, 800 + 300 * np.cos(9 * place[0]) * np.cos(7 * place[1]), 0)
    data = np.empty(SHAPE, np.int16, order="F")
    for i in range(SHAPE[3]):
        data[..., i] = head * (1 + 0.02 * rng.standard_normal(SHAPE[:3]) + 1e-4 * i)
    image = nib.Nifti1Image(data, np.diag([3.0, 3, 3.5, 1]))
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_zooms((3.0, 3.0, 3.5, 2.0))
    nib.save(image, path)


def measure(side: str, path: str) -> None:
    """Show the first frame, as one side does it, and print seconds and MiB."""
    import numpy.ma  # noqa: F401 - NumPy loads it late, and napari's window has it already

    if side == "ours":
        from napari_fmri_decoder._napari.reader import read_layers

        def frame() -> np.ndarray:
            data, _, _ = read_layers(path)[0]
            return np.asarray(data[0, SHAPE[2] // 2])
    elif side == "nibabel":
        import nibabel as nib

        def frame() -> np.ndarray:
            return np.asarray(nib.load(path).dataobj)[:, :, SHAPE[2] // 2, 0]
    else:
        from napari_nifti._reader import napari_get_reader

        def frame() -> np.ndarray:
            # Its axes are not in napari's order of time first: any one slice will do.
            return np.asarray(napari_get_reader(path)(path)[0][0][SHAPE[2] // 2, :, :, 0])

    before, start = memory_mib("VmRSS"), time.perf_counter()
    assert frame().any()
    seconds = time.perf_counter() - start
    print(json.dumps({"s": seconds, "MiB": memory_mib("VmHWM") - before}))


def main() -> None:
    """Measure all sides."""
    peer = os.environ.get("FMRI_DECODER_BENCH_PEER", sys.executable)
    has_peer = not subprocess.run(
        [peer, "-c", "import napari_nifti"], capture_output=True, check=False
    ).returncode
    names = ["ours", "nibabel"] + ["napari-nifti"] * has_peer
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bold.nii.gz"
        make(path)
        sides = {name: (__file__, name, str(path)) for name in names}
        found = children_in_turn(sides, repeats=5, python={"napari-nifti": peer})
    ours = found.pop("ours")
    rows = []
    for name, theirs in found.items():
        for unit, limit in (("s", "<= 0.2"), ("MiB", "<= 0.25")):
            rows.append(
                Row(
                    f"first frame, {'time' if unit == 's' else 'memory'}",
                    f"{name}, whole",
                    f"{ours[unit]:.3g} {unit}",
                    f"{theirs[unit]:.3g} {unit}",
                    ours[unit] / theirs[unit],
                    limit,
                )
            )
    finish(rows, [] if has_peer else ["napari-nifti is not installed here and was not measured."])


if __name__ == "__main__":
    measure(*sys.argv[1:]) if len(sys.argv) > 1 else main()
