"""What opening a scan adds to napari: our reader against nibabel and an image layer.

Each measurement in a fresh interpreter that has imported napari; the imports of the reader, reading
and making the layer are timed, for a file so small that imports are what counts. Beside it, not
held to a limit, stands the same in a window, with all that a first scan sets up there.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from timing import Row, children_in_turn, ensure_display, finish


def measure(side: str, where: str, path: str) -> None:
    """Open the file as one side does it, and print seconds."""
    import napari
    from napari.layers import Image, Layer

    viewer = napari.Viewer(show=False) if where == "window" else None
    start = time.perf_counter()
    if side == "ours" and viewer is not None:
        viewer.open(path, plugin="napari-fmri-decoder")
    elif side == "ours":
        from napari_fmri_decoder._napari.reader import read_layers

        Layer.create(*read_layers(path)[0])
    else:
        import nibabel as nib

        layer = Image(np.asarray(nib.load(path).dataobj).T, affine=np.diag([3.0, 3, 3, 1]))
        if viewer is not None:
            viewer.add_layer(layer)
    seconds = time.perf_counter() - start
    if viewer is not None:
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
        names = [(side, where) for where in ("layer", "window") for side in ("ours", "nibabel")]
        found = children_in_turn({" ".join(name): (__file__, *name, str(path)) for name in names}, repeats=5)
    if display is not None:
        display.stop()
    rows = []
    for where, limit in (("layer", "<= 0.3"), ("window", "")):
        ours, theirs = found[f"ours {where}"]["s"], found[f"nibabel {where}"]["s"]
        rows.append(
            Row(
                f"opening a scan ({where}), s more",
                "nibabel and an image layer",
                f"{ours:.3g} s",
                f"{theirs:.3g} s",
                ours - theirs,
                limit,
            )
        )
    finish(rows)


if __name__ == "__main__":
    measure(*sys.argv[1:]) if len(sys.argv) > 1 else main()
