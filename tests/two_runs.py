"""Small runs in which each class activates different voxels, in files of any name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])
BLOCK, TR = 4, 2.0
ORDERS = {1: "aabbabba", 2: "babaabab", 3: "abbabaab"}
"""Classes of the blocks of each run, in a different order per run."""


def labels_of(run: int, a: str = "face", b: str = "house") -> list[str]:
    return [{"a": a, "b": b}[letter] for letter in ORDERS[run] for _ in range(BLOCK)]


def write_run(path: Path, run: int, strength: float = 5.0) -> Path:
    """Write one run of 32 volumes; ``face`` activates the first slice in x, ``house`` the last."""
    rng = np.random.default_rng(run)
    shown = np.array(labels_of(run))
    data = rng.normal(100, 1, (3, 3, 3, len(shown)))
    data[0] += strength * (shown == "face")
    data[2] += strength * (shown == "house")
    path.parent.mkdir(parents=True, exist_ok=True)
    write(Volume(data.astype(np.float32), AFFINE, "bold", TR), path)
    return path


def write_events(path: Path, run: int, a: str = "face", b: str = "house") -> Path:
    shown = labels_of(run, a, b)[::BLOCK]
    rows = [f"{i * BLOCK * TR}\t{BLOCK * TR}\t{label}" for i, label in enumerate(shown)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["onset\tduration\ttrial_type", *rows]) + "\n", encoding="utf-8")
    return path


def write_table(path: Path, runs: Sequence[int], a: str = "face", b: str = "house") -> Path:
    rows = [f"{label}\t{run}" for run in runs for label in labels_of(run, a, b)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["label\trun", *rows]) + "\n", encoding="utf-8")
    return path


def true_labels(runs: Sequence[int]) -> list[str]:
    return [label for run in runs for label in labels_of(run)]
