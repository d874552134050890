"""Runs that are copies of one another are found, also smoothed, rescaled or with noise; real runs are not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from audit_samples import codes, samples
from scipy.ndimage import gaussian_filter

from napari_fmri_decoder.samples.audit import audit
from napari_fmri_decoder.samples.audit.copies import compare_runs
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.masks import make_mask, parse_mask
from napari_fmri_decoder.samples.prepare import prepare
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.splits import Split, make_splits
from napari_fmri_decoder.volumes.read import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.samples import Samples

    Change = Callable[[NDArray[np.float32]], None]

FWHM = 2 * np.sqrt(2 * np.log(2))
LENGTH = 121


def real(
    haxby: Path, change: Callable[[NDArray[np.float32]], None] | None = None, **options: bool
) -> Samples:
    """Prepare the twelve real runs after a change to their (x, y, z, n) values."""
    series = read(haxby / "bold.nii.gz")
    if change is not None:
        data = np.stack([series.at(i) for i in range(series.n_volumes)], axis=-1).astype(np.float32)
        change(data)
        series = replace(series, data=data)
    table, _ = label_table(parse_labels({"source": "table", "table": "volumes.tsv"}), series, haxby)
    mask, _ = make_mask(parse_mask("mask.nii.gz"), series, haxby)
    return prepare(series, table, PrepareConfig(**options), mask=mask, exclude=["rest"])


def smoothed(mm: float) -> Change:
    """Replace run 11 by run 4, smoothed."""

    def change(data: NDArray[np.float32]) -> None:
        sigma = mm / FWHM / np.array([3.1, 3.75])
        for i in range(LENGTH):
            data[:, :, 0, 10 * LENGTH + i] = gaussian_filter(data[:, :, 0, 3 * LENGTH + i], sigma)

    return change


def some_voxels(made: Samples, n: int) -> Samples:
    keep = np.zeros(made.X.shape[1], dtype=bool)
    keep[np.random.default_rng(n).choice(len(keep), n, replace=False)] = True
    return replace(made, X=made.X[:, keep], space=made.space.only(keep))


def copied(made: Samples) -> list[tuple[str, str]]:
    return [(pair.first, pair.second) for pair in compare_runs(made) if pair.copied]


@pytest.mark.parametrize("n_voxels", [1, 3, 10, 100, 530])
def test_real_runs_are_no_copies(haxby, n_voxels):
    pairs = compare_runs(some_voxels(real(haxby), n_voxels))
    assert len(pairs) == 66
    assert not any(pair.copied for pair in pairs)
    if n_voxels == 530:
        assert max(pair.correlation for pair in pairs) < 0.2


@pytest.mark.parametrize("mm", [4, 6])
@pytest.mark.parametrize("averaged", [False, True])
def test_a_smoothed_copy_is_found(haxby, mm, averaged):
    made = real(haxby, smoothed(mm), average_blocks=averaged)
    assert copied(made) == [("4", "11")]
    for n in () if averaged else (5, 50):
        assert copied(some_voxels(made, n)) == [("4", "11")]


@pytest.mark.parametrize("n_voxels", [2, 10, 100, 530])
def test_a_rescaled_copy_with_noise_is_found(haxby, n_voxels):
    made = real(haxby)
    source = made.X[made.groups == "4"]
    noise = np.random.default_rng(0).normal(size=source.shape) * source.std(axis=0) * 0.75  # r = 0.8
    made.X[made.groups == "11"] = 100 + 3 * (source + noise)
    assert copied(some_voxels(made, n_voxels)) == [("4", "11")]


def test_a_copy_is_reported_if_the_split_separates_it():
    made = samples()
    made.X[144:] = made.X[:48] + 0.4 * np.random.default_rng(1).normal(size=(48, 40))
    (finding,) = audit(made, make_splits(SplitConfig(), made.table))
    assert (finding.code, finding.severity) == ("run-copied", "error")
    assert finding.message.startswith("Runs 1 and 4 are alike (r = 0.9")
    together = Split("planted", np.r_[48:144], np.r_[0:48, 144:192])
    assert "run-copied" not in codes(made, [together])


def test_a_copy_that_starts_later_is_found():
    made = samples()
    made.X[150:192] = made.X[0:42]
    assert copied(made) == [("1", "4")]


def test_runs_with_the_same_order_and_a_strong_effect_are_no_copies():
    order = np.repeat(np.random.default_rng(2).permutation(["a", "b"] * 6), 4).tolist()
    made = samples(labels=order * 4)
    made.X[:] += 5 * (made.y[:, None] - 0.5) * np.random.default_rng(4).normal(size=40)
    pairs = compare_runs(made)
    assert not any(pair.copied for pair in pairs)
    raw = np.corrcoef(made.X[:48].ravel(), made.X[48:96].ravel())[0, 1]
    assert raw > 0.8
    assert max(pair.correlation for pair in pairs) < 0.3
