"""What opening a scan adds to napari: our reader against nibabel and `add_image`, in a real window.

Each measurement in a fresh interpreter with an open, empty window: imports, reading and the first
slice are timed, for a file so small that imports are what counts.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from timing import Row, children_in_turn, ensure_display, finish


def measure(side: str, path: str) -> None:
    """Open the file in a window, as one side does it, and print seconds."""
    import napari

    viewer = napari.Viewer(show=False)
    start = time.perf_counter()
    if side == "ours":
        viewer.open(path, plugin="napari-fmri-decoder")
    else:
        import nibabel as nib

        image = nib.load(path)
        viewer.add_image(np.asarray(image.dataobj).T, affine=np.diag([3.0, 3, 3, 1]))
    seconds = time.perf_counter() - start
    assert viewer.layers
    viewer.close()
    print(json.dumps({"s": seconds}))


def main() -> None:
    """Measure both."""
    import nibabel as nib

    display = ensure_display()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.nii.gz"
        values = np.random.default_rng(0).integers(0, 1000, (16, 16, 16)).astype(np.int16)
        nib.save(nib.Nifti1Image(values, np.diag([3.0, 3, 3, 1])), path)
        sides = {name: (__file__, name, str(path)) for name in ("ours", "nibabel")}
        found = children_in_turn(sides, repeats=5)
    if display is not None:
        display.stop()
    ours, theirs = found["ours"]["s"], found["nibabel"]["s"]
    row = Row(
        "opening a scan, s more",
        "nibabel and add_image",
        f"{ours:.3g} s",
        f"{theirs:.3g} s",
        ours - theirs,
        "<= 0.3",
    )
    finish([row])


if __name__ == "__main__":
    measure(*sys.argv[1:]) if len(sys.argv) > 1 else main()
