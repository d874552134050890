"""CPU time of short commands, and of a run of `linear` compared with the same fits in a scikit-learn script.

The run has 96 patterns of 530 voxels in 12 runs of 8 classes, with each run held out once. It also reads and
cleans the scan, fits the nested baseline, and writes models, tables, figures and the report. All are complete
processes, imports included, and take turns. User and system time count, not the wall clock.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import nibabel as nib
import numpy as np

from timing import Row, finish

RUNS, CLASSES, EACH, SHAPE = 12, 8, 4, (23, 24, 1)
ROUNDS = 3
SHORT_ROUNDS = 7
THEIRS = """
import sys
import nibabel as nib
import numpy as np
import pandas as pd
from nilearn.signal import clean
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

table = pd.read_csv(sys.argv[2], sep="\\t", dtype=str)
runs = table["run"].to_numpy()
X = nib.load(sys.argv[1]).get_fdata().reshape(-1, len(table)).T
X = np.concatenate([clean(X[runs == r], standardize="zscore_sample") for r in dict.fromkeys(runs)])
blocks = np.arange(len(table)) // EACH
X = np.stack([X[blocks == b].mean(axis=0) for b in np.unique(blocks)])
y, runs = table["label"].to_numpy()[::EACH], runs[::EACH]
for train, test in LeaveOneGroupOut().split(X, y, runs):
    plain = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)).fit(X[train], y[train])
    plain.predict_proba(X[test])
    nested = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        {"logisticregression__C": [1e-3, 1e-2, 1e-1, 1.0]},
        cv=GroupKFold(5),
    ).fit(X[train], y[train], groups=runs[train])
    nested.predict_proba(X[test])
"""


def write_data(folder: Path) -> None:
    """Write a scan of blocks, its table, and two recipes."""
    rng = np.random.default_rng(0)
    n = RUNS * CLASSES * EACH
    labels = np.tile(np.repeat(np.arange(CLASSES), EACH), RUNS)
    patterns = rng.normal(size=(CLASSES, *SHAPE))
    data = 1000 + 20 * np.moveaxis(0.4 * patterns[labels] + rng.normal(size=(n, *SHAPE)), 0, -1)
    image = nib.Nifti1Image(data.astype(np.int16), np.diag([3.0, 3, 3, 1]))
    image.header.set_zooms((3.0, 3.0, 3.0, 2.0))
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, folder / "scan_bold.nii.gz")
    runs = np.repeat(np.arange(RUNS) + 1, CLASSES * EACH)
    rows = [f"class {label}\t{run}" for label, run in zip(labels, runs, strict=True)]
    (folder / "volumes.tsv").write_text("\n".join(["label\trun", *rows]) + "\n", encoding="utf-8")
    for name, figures in (("figures", "png"), ("none", "none")):
        text = (
            '[data]\nimages = "scan_bold.nii.gz"\n[labels]\nsource = "table"\ntable = "volumes.tsv"\n'
            '[prepare]\naverage_blocks = true\n[decoder]\nname = "linear"\n'
            f'[report]\nfigures = "{figures}"\n'
        )
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    (folder / "theirs.py").write_text(f"EACH = {EACH}\n{THEIRS}", encoding="utf-8")


WRONG = {
    "TOML error": ("[decoder]", "[decoder"),
    "wrong key": ("[decoder]", "[decoder]\nwrong = 1"),
    "unknown decoder": ('name = "linear"', 'name = "lineer"'),
}
"""Errors in a recipe: the text that is replaced, and its replacement."""


def write_wrong_recipes(folder: Path) -> dict[str, Path]:
    """Write a recipe with each error."""
    text = (folder / "none.toml").read_text(encoding="utf-8")
    paths = {}
    for error, (old, new) in WRONG.items():
        paths[error] = folder / f"{error.replace(' ', '-')}.toml"
        paths[error].write_text(text.replace(old, new), encoding="utf-8")
    return paths


def cpu_seconds(command: list[str], status: int = 0) -> float:
    """User and system seconds of a process that ends with an exit status."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != status:
        raise SystemExit(f"{command} failed:\n{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def short_commands(folder: Path) -> list[Row]:
    """CPU time of commands that end before any work: help, errors in a recipe, a header."""
    command = [sys.executable, "-W", "ignore", "-m", "napari_fmri_decoder.cli"]
    sides = {
        "--help": ([*command, "--help"], 0, "<= 0.6"),
        "info IMAGE": ([*command, "info", str(folder / "scan_bold.nii.gz")], 0, "<= 1.0"),
    }
    for error, path in write_wrong_recipes(folder).items():
        sides[f"train with a {error}"] = ([*command, "train", str(path)], 2, "<= 1.5")
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for round_ in range(SHORT_ROUNDS + 1):
        for side, (words, status, _) in sides.items():
            spent = cpu_seconds(words, status)
            if round_:
                seconds[side].append(spent)
    return [
        Row(
            f"CPU time of fmri-decoder {side}, s",
            "a fixed limit",
            f"{median(seconds[side]):.2f} s",
            "-",
            median(seconds[side]),
            limit,
        )
        for side, (_, _, limit) in sides.items()
    ]


def main() -> None:
    """Measure in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder)
        rows = short_commands(folder)
        python = [sys.executable, "-W", "ignore"]
        sides = {
            "theirs": [*python, "theirs.py", "scan_bold.nii.gz", "volumes.tsv"],
            "figures": [*python, "-m", "napari_fmri_decoder.cli", "train", "figures.toml"],
            "none": [*python, "-m", "napari_fmri_decoder.cli", "train", "none.toml"],
        }
        seconds: dict[str, list[float]] = {side: [] for side in sides}
        os.chdir(folder)
        for round_ in range(ROUNDS + 1):
            for side, command in sides.items():
                out = [] if side == "theirs" else ["--out", f"{side}-{round_}"]
                spent = cpu_seconds([*command, *out])
                if round_:
                    seconds[side].append(spent)
    found = {side: median(values) for side, values in seconds.items()}
    print(json.dumps(found))
    rows += [
        Row(
            what,
            "scikit-learn's fits alone",
            f"{found[side]:.2f} s",
            f"{found['theirs']:.2f} s",
            ratio,
            limit,
        )
        for side, what, limit in (
            ("figures", "CPU time of a run of linear, 12 folds, 96 patterns", "<= 1.5"),
            ("none", "the same without figures", "<= 1"),
        )
        for ratio in (found[side] / found["theirs"],)
    ]
    finish(rows)


if __name__ == "__main__":
    main()
