"""Scrubbed volumes are not samples, and nothing is estimated from them, as with nilearn's sample_mask."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from nilearn.interfaces.fmriprep.load_confounds_components import _load_scrub
from nilearn.interfaces.fmriprep.load_confounds_scrub import extract_outlier_regressors
from nilearn.signal import clean

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.prepare import prepare
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.scrubbing import displacement, read_cleaning, widened
from napari_fmri_decoder.volumes.volume import Part, Volume

N = 30
MOTION = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]


def confounds(seed: int, n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(n, 7)).cumsum(axis=0) / 100, columns=[*MOTION, "csf"])
    table["framewise_displacement"] = rng.uniform(0.05, 0.3, n)
    table.loc[0, "framewise_displacement"] = np.nan
    table.loc[[7, 20], "framewise_displacement"] = [0.9, 1.4]
    table["std_dvars"] = 1.0
    for i, volume in enumerate((7, 20)):
        table[f"motion_outlier{i:02d}"] = (np.arange(n) == volume).astype(float)
    table["non_steady_state_outlier00"] = (np.arange(n) == 0).astype(float)
    return table


def two_runs(folder, tables=None) -> tuple[Volume, pd.DataFrame, tuple[str, ...]]:
    rng = np.random.default_rng(5)
    data = (500 + rng.normal(size=(3, 3, 2, 2 * N)).cumsum(axis=-1)).astype(np.float32)
    parts = (Part("a.nii", N), Part("b.nii", N))
    for run, table in enumerate(tables or (confounds(1), confounds(2)), 1):
        table.to_csv(folder / f"c{run}.tsv", sep="\t", index=False, na_rep="n/a")
    rows = pd.DataFrame({"volume": range(2 * N), "label": ["rest", "a", "b"] * 20, "subject": ""})
    rows = rows.assign(session="", run=["1"] * N + ["2"] * N)
    return Volume(data, np.eye(4), "bold", 2.0, parts=parts), rows, ("c1.tsv", "c2.tsv")


def cleaned(series, rows, config, folder):
    cleaning = read_cleaning(config, series, folder)
    how = {"exclude": ["rest"], "confounds": cleaning.confounds, "scrubbed": cleaning.scrubbed}
    return prepare(series, rows, config, **how), cleaning


def test_outliers_are_removed_as_by_the_sample_mask_of_nilearn(tmp_path):
    series, rows, files = two_runs(tmp_path)
    config = PrepareConfig(
        detrend=True, standardize_runs=True, confounds=["motion", "outliers"], confounds_files=files
    )
    samples, cleaning = cleaned(series, rows, config, tmp_path)
    raw = np.asarray(series.data).reshape(-1, 2 * N).T.astype(float)
    mask, _, _ = extract_outlier_regressors(confounds(1))
    assert mask.tolist() == [v for v in range(N) if v not in (0, 7, 20)]
    for run, seed in enumerate((1, 2)):
        part = slice(run * N, (run + 1) * N)
        theirs = clean(
            raw[part],
            detrend=True,
            standardize="zscore_sample",
            confounds=confounds(seed)[MOTION].to_numpy(),
            sample_mask=mask,
            filter=False,
        )
        shown = [i for i, v in enumerate(mask) if rows["label"][v] != "rest"]
        ours = samples.X[(samples.table["run"] == str(run + 1)).to_numpy()]
        np.testing.assert_allclose(ours, theirs[shown], atol=1e-5)
    assert not set(samples.table["volume"]) & {0, 7, 20, N, N + 7, N + 20}
    assert cleaning.confounds.shape == (2 * N, 6)
    assert cleaning.notes[0].startswith("6 confounds were regressed out")
    assert cleaning.notes[1].startswith(
        "6 of 60 volumes are scrubbed: 2 before the signal was steady, 4 outliers in the confounds"
    )
    assert "(per image: 3, 3)" in cleaning.notes[1]


@pytest.mark.parametrize("threshold", [0.2, 0.5, 1.0])
def test_scrub_mm_selects_the_same_volumes_as_nilearn(tmp_path, threshold):
    series, _, files = two_runs(tmp_path)
    config = PrepareConfig(scrub_mm=threshold, confounds_files=files)
    cleaning = read_cleaning(config, series, tmp_path)
    theirs = [
        _load_scrub(confounds(seed), 0, threshold, np.inf).sum(axis=1).to_numpy() > 0 for seed in (1, 2)
    ]
    np.testing.assert_array_equal(cleaning.scrubbed, np.concatenate(theirs))
    assert cleaning.confounds is None


def test_volumes_around_one_with_motion_are_scrubbed_within_its_run_only(tmp_path):
    table = confounds(1)
    table["framewise_displacement"] = 0.1
    table.loc[[10, N - 1], "framewise_displacement"] = 2.0
    series, _, files = two_runs(tmp_path, (table, confounds(2).assign(framewise_displacement=0.1)))
    config = PrepareConfig(scrub_mm=0.5, scrub_before=1, scrub_after=2, confounds_files=files)
    cleaning = read_cleaning(config, series, tmp_path)
    assert np.flatnonzero(cleaning.scrubbed).tolist() == [9, 10, 11, 12, N - 2, N - 1]
    assert "4 1 before and 2 after these" in cleaning.notes[0]
    moved = PrepareConfig(confounds=["outliers"], scrub_after=1, confounds_files=files)
    found = np.flatnonzero(read_cleaning(moved, series, tmp_path).scrubbed[:N])
    assert found.tolist() == [0, 7, 8, 20, 21]  # the first volumes are unsteady, but without motion
    with pytest.raises(ValueError, match="scrub_before and scrub_after need scrub_mm"):
        PrepareConfig(scrub_after=1)


def test_displacement_is_computed_from_motion_if_its_column_is_missing(tmp_path):
    table = confounds(3)[MOTION]
    table.to_csv(tmp_path / "c.tsv", sep="\t", index=False)
    steps = table.diff().abs()
    by_hand = steps[MOTION[:3]].sum(axis=1) + 50 * steps[MOTION[3:]].sum(axis=1)  # mm; rad on 50 mm
    np.testing.assert_allclose(displacement(tmp_path / "c.tsv", N), by_hand, atol=1e-12)
    np.savetxt(tmp_path / "rp_a.txt", table)
    np.testing.assert_allclose(displacement(tmp_path / "rp_a.txt", N), by_hand, atol=1e-12)
    np.savetxt(tmp_path / "a.par", table[MOTION[3:] + MOTION[:3]])
    np.testing.assert_allclose(displacement(tmp_path / "a.par", N), by_hand, atol=1e-12)
    degrees = np.column_stack([np.degrees(table[MOTION[3:]]), table[MOTION[:3]]])
    np.savetxt(tmp_path / "a.1D", degrees)
    np.testing.assert_allclose(displacement(tmp_path / "a.1D", N), by_hand, atol=1e-12)
    confounds(3)[["csf"]].to_csv(tmp_path / "d.tsv", sep="\t", index=False)
    with pytest.raises(InputError, match="needs the column framewise_displacement or the six motion columns"):
        displacement(tmp_path / "d.tsv", N)


@pytest.mark.parametrize("marks", ["one column each", "one column of all", "a step up and down"])
def test_columns_of_any_name_that_mark_volumes_scrub_them(tmp_path, marks):
    table = confounds(1).drop(columns=["motion_outlier00", "motion_outlier01", "non_steady_state_outlier00"])
    if marks == "one column each":  # as fsl_motion_outliers writes them
        for volume in (3, 4):
            table[f"fsl{volume}"] = (np.arange(N) == volume).astype(int)
    elif marks == "one column of all":
        table["censor"] = np.isin(np.arange(N), (3, 4)).astype(int)
    else:
        table["x"], table["y"] = (np.arange(N) == 3) * 7.5, (np.arange(N) != 4) * 1.0
    series, rows, files = two_runs(tmp_path, (table, table))
    names = [c for c in table if c.startswith(("fsl", "censor")) or c in "xy"]
    config = PrepareConfig(
        detrend=True, standardize_runs=True, confounds=["csf", *names], confounds_files=files
    )
    samples, cleaning = cleaned(series, rows, config, tmp_path)
    assert np.flatnonzero(cleaning.scrubbed).tolist() == [3, 4, N + 3, N + 4]
    assert np.abs(samples.X).max(axis=1).min() > 1e-3  # no row consists of rounding errors


def test_spikes_in_an_array_of_confounds_scrub_volumes():
    series, rows, _ = two_runs_without_files()
    spike = (np.arange(2 * N) == 4).astype(float)[:, None]
    samples = prepare(series, rows, PrepareConfig(detrend=True), confounds=spike)
    assert 4 not in samples.table["volume"].tolist()
    assert "1 of 60 volumes are scrubbed because a confound marks no other volume." in samples.notes
    without = prepare(series, rows, PrepareConfig(detrend=True), scrubbed=spike[:, 0] == 1)
    np.testing.assert_array_equal(samples.X, without.X)


def two_runs_without_files():
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({"volume": range(2 * N), "label": ["a", "b"] * N, "subject": "", "session": ""})
    data = rng.normal(500, 20, (3, 3, 2, 2 * N)).astype(np.float32)
    return Volume(data, np.eye(4), "bold", 2.0), rows.assign(run=["1"] * N + ["2"] * N), ()


def test_a_run_whose_volumes_are_all_scrubbed_is_excluded_and_scrubbing_all_runs_is_an_error():
    series, rows, _ = two_runs_without_files()
    first_run = np.arange(2 * N) < N
    samples = prepare(series, rows, PrepareConfig(detrend=True), scrubbed=first_run)
    assert set(samples.table["run"]) == {"2"}
    assert f"Run '1' is excluded: all {N} of its volumes are scrubbed." in samples.notes
    with pytest.raises(InputError, match="all 60 are scrubbed"):
        prepare(series, rows, PrepareConfig(), scrubbed=np.ones(2 * N, bool))
    with pytest.raises(InputError, match=r"run '1' has 2 \(not counting scrubbed volumes\)"):
        prepare(series, rows, PrepareConfig(detrend=True), scrubbed=first_run & (np.arange(2 * N) > 1))


def test_a_note_states_that_no_volume_is_scrubbed(tmp_path):
    series, _, files = two_runs(tmp_path)
    cleaning = read_cleaning(PrepareConfig(scrub_mm=5, confounds_files=files), series, tmp_path)
    assert cleaning.notes == ("No volume is scrubbed.",)
    assert read_cleaning(PrepareConfig(), series, tmp_path).notes == ()
    assert not widened(cleaning.scrubbed, 3, 3).any()


def test_displacement_of_real_motion(tmp_path):
    from os import environ
    from pathlib import Path

    folder = Path(environ.get("FMRI_DECODER_DATA", "/nowhere")) / "haxby_motion"
    if not folder.is_dir():
        pytest.skip("needs haxby_motion")
    fd = displacement(sorted(folder.glob("*.tsv"))[0], 121)
    assert 0 < np.median(fd) < 0.5
