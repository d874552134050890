"""A one-file package of somebody else's with a decoder, a mask, a label source and an explanation."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

NAME, VERSION, MODULE = "fmri-narrow", "1.4", "fmri_narrow"

CODE = """
from collections import OrderedDict
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from napari_fmri_decoder.decoders import NetworkDecoder
from napari_fmri_decoder.explain import Explainer, Explanation
from napari_fmri_decoder.samples.labels import LabelsConfig
from napari_fmri_decoder.samples.masks import MaskConfig


class Narrow(NetworkDecoder):
    layout: ClassVar = "vector"
    summary: ClassVar[str] = "One narrow hidden layer"
    training_defaults: ClassVar[dict[str, Any]] = {"epochs": 3, "optimizer": "adam", "learning_rate": 0.01}

    name: Literal["narrow"] = "narrow"
    units: int = Field(2, ge=1, le=100, description="Hidden units.")

    def build(self, input_shape, n_classes):
        from torch import nn

        (n,) = input_shape
        hidden, out = nn.Linear(n, self.units), nn.Linear(self.units, n_classes)
        return self.finished(nn.Sequential(OrderedDict(dense1=hidden, tanh1=nn.Tanh(), out=out)))


class BrightMask(MaskConfig):
    summary: ClassVar[str] = "The brightest voxels of the first volume"
    strategy: Literal["bright"] = "bright"
    percent: float = Field(50, gt=0, lt=100, description="Part of the voxels that is kept.")

    def make(self, series, base):
        first = np.asarray(series.at(0))
        return first >= np.percentile(first, 100 - self.percent), []


class CountedLabels(LabelsConfig):
    summary: ClassVar[str] = "Labels in a list, one for each volume"
    source: Literal["counted"] = "counted"
    each: tuple[str, ...] = Field((), description="One label per volume of a run, repeated for each run.")

    def rows(self, series, base):
        times = series.n_volumes // len(self.each)
        run = np.repeat([str(i + 1) for i in range(times)], len(self.each))
        return pd.DataFrame({"label": self.each * times, "run": run}), []


class MeanMap(Explainer):
    summary: ClassVar[str] = "The samples themselves, weighted"
    name: Literal["mean-map"] = "mean-map"
    factor: float = Field(1.0, ge=0, le=10, description="What each voxel is multiplied by.")

    def explain(self, model, X, space):
        values = np.zeros((len(X), 1, *space.grid.shape), dtype=np.float32)
        values[:, 0, space.mask] = self.factor * X
        return Explanation(values, ("mean",), space.grid)


class Bias(Explainer):
    summary: ClassVar[str] = "The bias of each class, at every voxel"
    per_sample: ClassVar[bool] = False
    over_folds: ClassVar[bool] = True
    rows: ClassVar = "none"
    name: Literal["bias"] = "bias"

    def explain(self, model, X, space):
        bias = np.asarray(model.state["out.bias"], dtype=np.float32)
        values = np.broadcast_to(bias[None, :, None, None, None], (1, len(bias), *space.grid.shape))
        names = tuple(f"class {k}" for k in range(len(bias)))
        return Explanation(values, names, space.grid, of_classes=True)
"""

ENTRY_POINTS = f"""
[napari_fmri_decoder.decoders]
narrow = {MODULE}:Narrow
[napari_fmri_decoder.masks]
bright = {MODULE}:BrightMask
[napari_fmri_decoder.labels]
counted = {MODULE}:CountedLabels
[napari_fmri_decoder.explainers]
mean-map = {MODULE}:MeanMap
bias = {MODULE}:Bias
"""


def install(folder: Path, code: str = CODE, name: str = NAME, entry_points: str = ENTRY_POINTS) -> Path:
    """Build a wheel of one module and install it by pip; return the folder to put on `PYTHONPATH`."""
    module = name.replace("-", "_")
    wheel, target = folder / f"{module}-{VERSION}-py3-none-any.whl", folder / f"{module}-installed"
    about = f"{module}-{VERSION}.dist-info"
    contents = {
        f"{module}.py": code,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": entry_points,
    }
    record = "".join(f"{path},,\n" for path in (*contents, f"{about}/RECORD"))
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**contents, f"{about}/RECORD": record}.items():
            archive.writestr(path, text)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--disable-pip-version-check", "--target", str(target), str(wheel)], check=True)
    return target
