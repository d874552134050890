"""Series and files for tests of labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import scipy.io

from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.volumes.volume import Part, Volume

FACE, HOUSE = [(0.0, 4.0), (16.0, 4.0)], [(8.0, 4.0), (24.0, 4.0)]
WANTED = ["face", "face", "", "", "house", "house", "", ""] * 2


def bold(n: int, parts: tuple[Part, ...] = (), step: float | None = 2.0) -> Volume:
    return Volume(np.zeros((2, 2, 2, n), np.float32), np.eye(4), "bold", step, name="bold", parts=parts)


def series_of(*parts: Part, n: int = 16) -> Volume:
    return bold(n, parts)


def two_runs(folder: Path) -> Volume:
    return series_of(*(Part(str(folder / f"run-{run}_bold.nii.gz"), 16) for run in (1, 2)), n=32)


def maps(*names: str) -> Volume:
    return Volume(np.zeros((2, 2, 2, len(names)), np.float32), np.eye(4), "stat", names=names)


def write_events(path: Path, *rows: tuple[float, float, str]) -> Path:
    pd.DataFrame(rows, columns=["onset", "duration", "trial_type"]).to_csv(path, sep="\t", index=False)
    return path


def three_columns(path: Path, events: list[tuple[float, float]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{onset:g} {duration:g} 1\n" for onset, duration in events))


def conditions(path: Path, names=("face", "house"), onsets=(FACE, HOUSE), durations=None) -> Path:
    cells = {"names": names, "onsets": [[o for o, _ in e] for e in onsets]}
    cells["durations"] = durations or [[d for _, d in e] for e in onsets]
    content = {}
    for key, values in cells.items():
        content[key] = np.empty((1, len(values)), dtype=object)
        for i, value in enumerate(values):
            content[key][0, i] = value if isinstance(value, str) else np.asarray(value, float)
    scipy.io.savemat(path, content)
    return path


def labels_of(options: dict, series: Volume, folder: Path) -> list[str]:
    return label_table(parse_labels(options), series, folder)[0]["label"].tolist()


def labeled_events(
    folder: Path, rows: list[tuple], n: int = 8, step: float = 2.0, **options: object
) -> tuple[pd.DataFrame, list[str]]:
    """Label n volumes by events, given as (onset, duration, label)."""
    write_events(folder / "e.tsv", *rows)
    config = parse_labels({"source": "events", "events": ["e.tsv"]} | options)
    return label_table(config, bold(n, step=step), folder)
