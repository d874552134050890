"""A mask of somebody else's package, with a field of every kind: it has a form, and a script uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hang import HANG_S
from plugin_package import install

MODULE = """
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_fmri_decoder.samples.masks import MaskConfig


class EveryMask(MaskConfig):
    summary: ClassVar[str] = "A box around the center, with an option of every kind"
    strategy: Literal["every"] = "every"
    flag: bool = Field(False, description="A flag.")
    size: int = Field(2, ge=1, le=10, description="Half of the box, in voxels.")
    radius: float = Field(1.0, gt=0, le=100, description="A length.", json_schema_extra={"unit": "mm"})
    tiny: float = Field(1e-4, gt=0, description="A small number.")
    maybe: int | None = Field(None, ge=1, description="A number, or none.")
    nested: Annotated[float, Field(gt=0)] | Literal["nested"] = Field("nested", description="Or a word.")
    perhaps: bool | None = Field(None, description="Yes, no, or automatic.")
    kind: Literal["box", "ball"] = Field("box", description="A choice.")
    other: Literal["a", "b"] | None = Field(None, description="A choice, or none.")
    text: str = Field("", description="A text.")
    name: str | None = Field(None, description="A text, or none; a container has a name, too.")
    where: Path = Field(Path("x.nii"), description="A path.")
    table: str = Field("", description="A file.", json_schema_extra={"mode": "file"})
    many: tuple[str, ...] = Field((), description="Files.", json_schema_extra={"mode": "files"})
    labels: tuple[str, ...] = Field((), description="Names; a container has labels, too.")
    numbers: tuple[int, ...] = Field((1, 2), description="Numbers.")
    point: tuple[float, float, float] | None = Field(None, description="A point.")
    rename: dict[str, str] = Field({}, description="Names by name.")
    merge: dict[str, tuple[str, ...]] = Field({}, description="Lists by name.")
    tried: dict[str, tuple[bool | int | float | str, ...]] = Field({}, description="Values by name.")

    def make(self, series, base):
        mask = np.zeros(series.shape[:3], dtype=bool)
        center = [n // 2 for n in mask.shape]
        mask[tuple(slice(c - self.size, c + self.size) for c in center)] = True
        return mask, [f"point {self.point}, labels {self.labels}"]
"""
ENTRY_POINTS = "[napari_fmri_decoder.masks]\nevery = every_mask:EveryMask\n"
SCRIPT = """
import os
from pathlib import Path

import napari
from small import series
from napari_fmri_decoder._napari.prepare.dock import PrepareDock
from napari_fmri_decoder.volumes.volume import Volume

viewer = napari.Viewer()
dock = PrepareDock(viewer)
viewer.window.add_dock_widget(dock)
dock.session.add(series(1)[0])
dock.mask.strategy.value = "every"
values = {
    "flag": True, "size": 3, "radius": 2.5, "tiny": 1e-10, "maybe": 7, "nested": 0.1, "perhaps": False,
    "kind": "ball", "other": "b", "text": "a, b", "name_": "x", "where": Path("y.nii"), "table": "t.tsv",
    "many": ("a.nii", "b c.nii"), "labels_": ("face", "a, b"), "numbers": (4, 5, 6),
    "point": (1.5, 0.0, -2.0),
    "rename": {"a": "b"}, "merge": {"c": ("d", "e")}, "tried": {"f": (1, 0.5, "g", True)},
}
for name, value in values.items():
    widget = getattr(dock.mask, name)
    widget.value = value
    assert widget.value == value and type(widget.value) is type(value), (name, value, widget.value)
config = dock.mask.config()
assert {name.rstrip("_"): value for name, value in values.items()} == {
    name.rstrip("_"): getattr(config, name.rstrip("_")) for name in values
}
dock.mask.apply()
mask = dock.session.state.preparation.mask
assert int((mask.at(0) > 0).sum()) == 6**3, int((mask.at(0) > 0).sum())
assert any("labels ('face', 'a, b')" in note for note in mask.notes), mask.notes
print("used", flush=True)
os._exit(0)
"""


def test_the_mask_of_another_package_is_set_and_applied(tmp_path: Path) -> None:
    package = install(tmp_path, MODULE, "every-mask", ENTRY_POINTS)
    tests = Path(__file__).parents[2]
    path = os.pathsep.join(map(str, [tests.parent / "src", tests, package]))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
        env={**os.environ, "PYTHONPATH": path, "NAPARI_CONFIG": str(tmp_path / "settings.yaml")},
    )
    assert done.returncode == 0, done.stderr
    assert "used" in done.stdout
