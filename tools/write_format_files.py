"""Write small models that later versions must still read: tests/data/format<N>-*.safetensors.

Run once per bundle format, by the version that introduced it. Existing files are never overwritten, since
they represent what users have on disk.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.training.averaging import vote
from napari_fmri_decoder.training.bundle.bundle import Bundle, save_bundle, versions
from napari_fmri_decoder.training.bundle.header import FORMAT
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.events import FitDone
from napari_fmri_decoder.training.predict import predict_proba
from napari_fmri_decoder.training.refitting import refit
from napari_fmri_decoder.volumes.frames import Grid, rotation

FOLDER = Path(__file__).parents[1] / "tests" / "data"
RECIPE = """\
[data]
images = ["bold.nii.gz"]
[labels]
source = "table"
table = "volumes.tsv"
[prepare]
detrend = true
standardize_runs = true
[decoder]
name = "{name}"
"""
DECODERS: dict[str, tuple[dict[str, Any], float, float | None]] = {
    "linear": ({"name": "linear", "C": 0.1}, 0.0, None),
    "mlp": ({"name": "mlp", "hidden": 3}, 30.0, None),
    "mlp-step": ({"name": "mlp", "hidden": 3}, 30.0, 2.0),
    "mlp-average": ({"name": "mlp", "hidden": 3}, 30.0, None),
    "cnn2d": ({"name": "cnn2d", "filters": [2], "dense": [4]}, 0.0, None),
    "cnn3d": ({"name": "cnn3d", "filters": [2], "dense": [4]}, 0.0, None),
}
"""Options; number of voxels that screening keeps (0: all); TR, which the first files did not have."""
OF_FORMAT: dict[int, dict[str, Any]] = {1: {}, 2: {"whiten": True}}
"""Options of training of the models that need a format."""


def samples() -> Samples:
    """Make 24 samples of two classes in three runs, on an oblique grid of 7 x 6 x 3 voxels with a hole."""
    rng = np.random.default_rng(5)
    affine = np.eye(4)
    affine[:3, :3] = rotation(x=20) @ np.diag([-4.0, 4, 5])
    affine[:3, 3] = (12, -8, 3)
    mask = np.ones((7, 6, 3), dtype=bool)
    mask[:2, :3] = False
    space = Space(Grid((7, 6, 3), affine), mask, axis=2)
    labels = np.tile(["closed", "open"], 12)
    X = rng.normal(size=(24, space.n_features)) + 0.7 * rng.normal(size=space.n_features) * (
        labels == "open"
    ).reshape(-1, 1)
    table = pd.DataFrame({"volume": range(24), "label": labels, "subject": "", "session": ""})
    table["run"], table["block"] = np.repeat(["1", "2", "3"], 8), range(24)
    return Samples(X.round(3).astype(np.float32), table, ("closed", "open"), space)


def main() -> None:
    """Write a model of each decoder, and its predictions for four samples."""
    data = samples()
    for name, (options, screening, step) in DECODERS.items():
        path = FOLDER / f"format{FORMAT}-{name}.safetensors"
        if path.exists() or (FORMAT == 2 and name == "linear"):  # whose weights include whitening
            continue
        settings = TrainingConfig.model_validate(
            {"epochs": 5, "learning_rate": 0.05, "threads": 1, "device": "cpu", "screening": screening}
            | OF_FORMAT[FORMAT]
        )
        decoder, models = get_decoder(options), []
        for seed in range(2 if name.endswith("average") else 1):
            resolved = settings.resolved(decoder).model_copy(update={"seed": seed})
            *_, done = refit(decoder, data, resolved)
            assert isinstance(done, FitDone)
            models.append(done.model)
        model = vote(models)
        bundle = Bundle(
            *(model, data.space, data.classes, RECIPE.format(name=options["name"]), versions()),
            *({"bold.nii.gz": "ab12"}, step),
        )
        save_bundle(bundle, path)
        X = data.X[:4]
        expected = {
            "X": X.astype(float).round(3).tolist(),
            "probabilities": predict_proba(model, X, data.space).tolist(),
        }
        path.with_suffix(".json").write_text(json.dumps(expected) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
