"""Time and memory of the audit on 1,500 volumes of 58,000 voxels: python benchmarks/audit.py."""

from __future__ import annotations

import resource
import time

import numpy as np
import pandas as pd

from napari_fmri_decoder.evaluation.nuisance import decode_nuisance
from napari_fmri_decoder.samples.audit import audit
from napari_fmri_decoder.samples.outside import Outside
from napari_fmri_decoder.samples.samples import Samples, Space
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import make_splits
from napari_fmri_decoder.volumes.frames import Grid

RUNS, BLOCKS, LENGTH, SHAPE = 12, 25, 5, (58, 50, 20)
MIB = 2**20


def make_samples() -> Samples:
    """Twelve runs of 25 blocks of five classes: noise."""
    rng = np.random.default_rng(0)
    n = RUNS * BLOCKS * LENGTH
    X = rng.standard_normal((n, int(np.prod(SHAPE))), dtype=np.float32)
    order = np.concatenate([rng.permutation(list("abcde") * (BLOCKS // 5)) for _ in range(RUNS)])
    block = np.arange(n) // LENGTH
    volume = np.arange(n) + 2 * block
    run = np.repeat([str(i + 1) for i in range(RUNS)], n // RUNS)
    table = pd.DataFrame({"volume": volume, "label": order[block], "run": run, "block": block})
    space = Space(Grid(SHAPE, np.diag([3.0, 3, 3, 1])), np.ones(SHAPE, dtype=bool))
    return Samples(X, table.assign(subject="", session=""), tuple("abcde"), space)


def main() -> None:
    """Print the seconds of each part, and the memory relative to that of the samples."""
    samples = make_samples()
    splits = make_splits(SplitConfig(), samples.table)
    n_volumes = int(samples.table["volume"].max()) + 1
    outside = Outside(np.random.default_rng(1).standard_normal((n_volumes, 4096), dtype=np.float32), 4096)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    started, cpu = time.perf_counter(), time.process_time()
    findings = audit(samples, splits, outside=outside)
    print(f"audit: {time.perf_counter() - started:.1f} s ({time.process_time() - cpu:.1f} s of CPU time)")
    started, cpu = time.perf_counter(), time.process_time()
    test = decode_nuisance(samples, splits)
    print(f"nuisance: {time.perf_counter() - started:.1f} s ({time.process_time() - cpu:.1f} s of CPU time)")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    size = samples.X.nbytes
    print(f"memory: {(size + grown) / size:.2f} times the {size / MIB:.0f} MiB of the samples")
    print(f"findings: {[finding.code for finding in findings]}; {len(test.rows)} families")


if __name__ == "__main__":
    main()
