"""Permutations of the linear model: the throughput of two Dask workers against that of one."""

from __future__ import annotations

import tempfile
from itertools import count
from pathlib import Path

import numpy as np

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.evaluation.permutation_scores import scored_permutations
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.tasks.pool import Pool
from napari_fmri_decoder.training.tasks.store import TaskStore
from napari_fmri_decoder.training.tasks.tasks import Tasks
from napari_fmri_decoder.training.tasks.workers import open_pool
from permutations import patterns
from timing import Row, finish, in_turn

PERMUTATIONS = 200


def main() -> None:
    """Time both in turn; workers are warm, with one thread each."""
    samples = patterns()
    splits = make_splits(SplitConfig(), samples.table)
    decoder, config = get_decoder({"name": "linear", "C": 0.1}), TrainingConfig(threads=1)
    found: dict[int, np.ndarray] = {}

    with tempfile.TemporaryDirectory() as folder, open_pool("local:1") as one, open_pool("local:2") as two:
        fresh = count()

        def permute(pool: Pool | None) -> None:
            if pool is None:
                raise SystemExit("No workers.")
            # a folder of its own each time, or what was kept would be read
            store = TaskStore(Path(folder) / str(next(fresh)))
            store.write_samples(samples, splits)
            scores = np.full(PERMUTATIONS, np.nan)
            tasks = Tasks(store, pool)
            for event in scored_permutations(
                decoder, samples, splits, config.resolved(decoder), PERMUTATIONS, tasks
            ):
                if event is not None:
                    scores[event.numbers - 1] = event.scores
            assert np.isfinite(scores).all()
            found[pool.workers] = scores

        seconds = in_turn({"one": lambda: permute(one), "two": lambda: permute(two)}, 3)
    assert (found[1] == found[2]).all()
    row = Row(
        f"{PERMUTATIONS} permutations of the linear model, two workers",
        "one worker",
        f"{seconds['two']:.1f} s",
        f"{seconds['one']:.1f} s",
        seconds["one"] / seconds["two"],
        ">= 1.5",
    )
    finish([row])


if __name__ == "__main__":
    main()
