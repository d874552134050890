"""Confounds: finding tables, choosing columns, checks against the images, and regression as in nilearn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from nilearn.signal import clean

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.cleaning import clean_runs
from napari_fmri_decoder.samples.confounds import GROUPS, choose_columns, read_confounds
from napari_fmri_decoder.samples.prepare import prepare
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.read import read_series
from napari_fmri_decoder.volumes.volume import Part, Volume

N = 30
MOTION = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]


def fmriprep_table(seed: int, n: int = N, compcor: int = 7, cosines: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    names = [f"{m}{s}" for m in MOTION for s in ("", "_derivative1", "_power2", "_derivative1_power2")]
    names += ["csf", "white_matter", "global_signal"]
    names += [f"a_comp_cor_{i:02d}" for i in range(compcor)] + [f"cosine{i:02d}" for i in range(cosines)]
    table = pd.DataFrame(rng.normal(size=(n, len(names))).cumsum(axis=0), columns=names)
    table.loc[0, [c for c in names if "derivative1" in c]] = np.nan
    return table


def save(table: pd.DataFrame, path) -> None:
    table.to_csv(path, sep="\t", index=False, na_rep="n/a")


def dataset(folder, lengths=(N, N)):
    rng = np.random.default_rng(5)
    paths = []
    for run, n in enumerate(lengths, 1):
        stem = f"sub-01_task-x_run-{run}"
        path = folder / f"{stem}_space-T1w_desc-preproc_bold.nii.gz"
        write(Volume(rng.normal(500, 20, (3, 3, 2, n)).astype(np.float32), np.eye(4), "bold", 2.0), path)
        save(fmriprep_table(run), folder / f"{stem}_desc-confounds_timeseries.tsv")
        paths.append(path)
    return read_series(paths)


@pytest.mark.parametrize("detrend", [True, False])
@pytest.mark.parametrize("standardize", [True, False])
def test_regression_within_runs_equals_that_of_nilearn(detrend, standardize):
    rng = np.random.default_rng(0)
    X = (500 + rng.normal(size=(2 * N, 40)).cumsum(axis=0)).astype(np.float32)
    confounds = rng.normal(size=(2 * N, 6)).cumsum(axis=0) * [1, 5, 0.01, 100, 1, 3]
    rows = pd.DataFrame({"volume": range(2 * N), "subject": "", "session": "", "run": ["1"] * N + ["2"] * N})
    ours = clean_runs(X, rows, detrend=detrend, standardize=standardize, confounds=confounds)
    how = "zscore_sample" if standardize else None
    for run in (slice(0, N), slice(N, 2 * N)):
        theirs = clean(
            X[run].astype(float), detrend=detrend, standardize=how, confounds=confounds[run], filter=False
        )
        # The rounding error of 500 in float32 is 3e-5.
        np.testing.assert_allclose(ours[run], theirs, atol=1e-5 if detrend or standardize else 1e-4)


def test_a_run_with_fewer_columns_is_cleaned_of_these_only():
    rng = np.random.default_rng(1)
    X, confounds = rng.normal(size=(2 * N, 5)).astype(np.float32), rng.normal(size=(2 * N, 3))
    confounds[N:, 2] = np.nan
    rows = pd.DataFrame({"volume": range(2 * N), "subject": "", "session": "", "run": ["1"] * N + ["2"] * N})
    ours = clean_runs(X, rows, detrend=True, confounds=confounds)
    theirs = clean(
        X[N:].astype(float), detrend=True, standardize=None, confounds=confounds[N:, :2], filter=False
    )
    np.testing.assert_allclose(ours[N:], theirs, atol=1e-5)


def test_more_confounds_than_volumes_of_a_run_are_an_error():
    X, confounds = np.ones((10, 2), np.float32), np.random.default_rng(0).normal(size=(10, 9))
    rows = pd.DataFrame({"volume": range(10), "subject": "", "session": "", "run": "1"})
    with pytest.raises(InputError, match="run '1' has 10 volumes for 9 confounds"):
        clean_runs(X, rows, confounds=confounds)


def test_groups_select_the_columns_of_fmriprep():
    columns = list(fmriprep_table(0).columns)
    assert choose_columns(columns, ["motion"]) == MOTION
    assert len(choose_columns(columns, ["motion12"])) == 12
    assert sorted(choose_columns(columns, ["motion24"])) == sorted(
        c for c in columns if c.startswith(("trans", "rot"))
    )
    assert choose_columns(columns, ["wm_csf", "csf"]) == ["white_matter", "csf"]
    assert choose_columns(columns, ["acompcor:3"]) == ["a_comp_cor_00", "a_comp_cor_01", "a_comp_cor_02"]
    assert len(choose_columns(columns, ["acompcor"])) == 7
    assert choose_columns(columns, ["trans_*", "outliers"])[0] == "trans_x"
    assert set(GROUPS) >= {"motion", "motion24", "wm_csf", "global_signal", "cosine", "acompcor"}
    with pytest.raises(InputError, match=r"no 'trans_w'\. Similar names: trans_"):
        choose_columns(columns, ["trans_w"])
    with pytest.raises(InputError, match=r"no 'trans_x_derivative1' \(of motion12\)"):
        choose_columns(MOTION, ["motion12"])


def test_tables_next_to_the_images_are_read_and_the_first_row_of_derivatives_is_filled(tmp_path):
    series = dataset(tmp_path)
    confounds, notes = read_confounds(["motion12", "cosine"], (), series, tmp_path)
    assert confounds.shape == (2 * N, 14)
    first = fmriprep_table(1)
    np.testing.assert_allclose(confounds[0, 6], first["trans_x_derivative1"][1])
    np.testing.assert_allclose(confounds[N + 3, 0], fmriprep_table(2)["trans_x"][3])
    assert notes[0].startswith("14 confounds were regressed out within each run: trans_x")
    assert read_confounds((), (), series, tmp_path) == (None, [])


def test_a_column_that_one_run_lacks_is_nan_in_that_run(tmp_path):
    series = dataset(tmp_path)
    save(fmriprep_table(2, cosines=1), tmp_path / "sub-01_task-x_run-2_desc-confounds_timeseries.tsv")
    confounds, notes = read_confounds(["cosine"], (), series, tmp_path)
    assert np.isnan(confounds[N:, 1]).all()
    assert np.isfinite(confounds[:N]).all()
    assert notes[0].startswith("1 to 2 confounds")


def test_errors_name_the_table_that_does_not_fit(tmp_path):
    series = dataset(tmp_path)
    second = tmp_path / "sub-01_task-x_run-2_desc-confounds_timeseries.tsv"
    save(fmriprep_table(2, n=29), second)
    with pytest.raises(
        InputError, match=r"run-2_desc-confounds_timeseries.tsv has 29 rows for the 30 volumes"
    ):
        read_confounds(["motion"], (), series, tmp_path)
    broken = fmriprep_table(2)
    broken.loc[4, "rot_y"] = np.nan
    save(broken, second)
    with pytest.raises(InputError, match=r"rot_y of .* has 'n/a' in row 5"):
        read_confounds(["motion"], (), series, tmp_path)
    second.unlink()
    with pytest.raises(InputError, match="found none for sub-01_task-x_run-2"):
        read_confounds(["motion"], (), series, tmp_path)
    with pytest.raises(InputError, match="found 1 for 2 images"):
        read_confounds(["motion"], ["*_timeseries.tsv"], series, tmp_path)


def test_six_columns_without_a_header_are_motion(tmp_path):
    values = np.random.default_rng(0).normal(size=(N, 6))
    for name in ("rp_bold.txt", "bold.par"):
        np.savetxt(tmp_path / name, values)
    image = Volume(np.zeros((2, 2, 2, N), np.float32), np.eye(4), "bold", 2.0, parts=(Part("x.nii", N),))
    spm, _ = read_confounds(["trans_*"], ["rp_bold.txt"], image, tmp_path)
    fsl, _ = read_confounds(["trans_*"], ["bold.par"], image, tmp_path)
    np.testing.assert_allclose(spm, values[:, :3])
    np.testing.assert_allclose(fsl, values[:, 3:])  # FSL writes rotations first


def test_confounds_are_regressed_out_before_excluded_volumes_are_dropped(tmp_path):
    series = dataset(tmp_path)
    confounds, _ = read_confounds(["motion", "csf"], (), series, tmp_path)
    table = pd.DataFrame({"volume": range(2 * N), "label": ["rest", "a", "b"] * 20, "subject": "01"})
    table = table.assign(session="", run=["1"] * N + ["2"] * N)
    config = PrepareConfig(detrend=True, standardize_runs=True)
    samples = prepare(series, table, config, exclude=["rest"], confounds=confounds)
    raw = np.asarray(series.data).reshape(-1, 2 * N).T.astype(float)
    theirs = [
        clean(raw[run], detrend=True, standardize="zscore_sample", confounds=confounds[run], filter=False)
        for run in (slice(0, N), slice(N, 2 * N))
    ]
    np.testing.assert_allclose(samples.X, np.vstack(theirs)[table["label"] != "rest"], atol=1e-5)
