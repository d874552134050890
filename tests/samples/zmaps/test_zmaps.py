"""Z-maps compared with nilearn: one FirstLevelModel per run, and for LSS one per trial."""

from __future__ import annotations

import warnings
from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.glm.first_level import FirstLevelModel, make_first_level_design_matrix

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.blocks import number_blocks
from napari_fmri_decoder.samples.labels.event import Event
from napari_fmri_decoder.samples.zmaps import Run, ZMapsConfig, make_zmaps, plan_zmaps, runs_of_table
from napari_fmri_decoder.volumes.volume import Volume

TR, N = 2.0, 60
SHAPE = (6, 5, 4)
AFFINE = np.array([[-3.0, 0, 0, 12], [0, 3, 0, -9], [0, 0, 3, -6], [0, 0, 0, 1]])
TRIALS = [
    [
        (4.3, 6.0, "face"),
        (20.0, 6.0, "house"),
        (38.7, 6.0, "face"),
        (61.0, 6.0, "house"),
        (90.0, 4.0, "face"),
    ],
    [(6.0, 6.0, "house"), (22.0, 6.0, "face"), (41.0, 5.0, "house"), (70.0, 6.0, "house")],
]


def _noise(n_runs: int = 2, seed: int = 0) -> np.ndarray:
    """(x, y, z, n) autocorrelated noise around 500 with a drift."""
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(*SHAPE, N * n_runs))
    for i in range(1, N * n_runs):
        data[..., i] += 0.4 * data[..., i - 1]
    return (500 + 8 * data + 0.1 * np.arange(N * n_runs)).astype(np.float32)


def _series(data: np.ndarray | None = None) -> Volume:
    return Volume(_noise() if data is None else data, AFFINE, "bold", TR, name="bold")


def _runs(trials=TRIALS) -> list[Run]:
    return [
        Run("1", "", str(i + 1), i * N, (i + 1) * N, tuple(Event(*t) for t in run))
        for i, run in enumerate(trials)
    ]


def _nilearn_map(
    series: Volume, run: int, events, contrast: str, mask=None, confounds=None, **options
) -> np.ndarray:
    """nilearn's z-map of one condition of one run."""
    options = {"t_r": TR, "hrf_model": "glover", "drift_model": "cosine", "high_pass": 0.008} | options
    data = np.asarray(series.data)[..., run * N : (run + 1) * N]
    everywhere = nib.Nifti1Image(np.ones(SHAPE, np.uint8), AFFINE)
    table = pd.DataFrame(events, columns=["onset", "duration", "trial_type"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = FirstLevelModel(mask_img=everywhere, signal_scaling=False, **options)
        model.fit(nib.Nifti1Image(data, AFFINE), table, confounds)
        return model.compute_contrast(contrast, output_type="z_score").get_fdata()


def _find_map(made, **wanted) -> np.ndarray:
    table = made.table
    rows = np.all([table[name] == value for name, value in wanted.items()], axis=0)
    (volume,) = table["volume"][rows]
    return made.maps.at(int(volume))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {"noise_model": "ar1"}),
        ({"noise": "ols", "hrf": "spm", "drift": "polynomial", "drift_order": 2},
         {"noise_model": "ols", "hrf_model": "spm", "drift_model": "polynomial", "drift_order": 2}),
        ({"noise": "ols", "hrf": "spm + derivative", "high_pass": 0.02, "slice_time_ref": 0.5},
         {"noise_model": "ols", "hrf_model": "spm + derivative", "high_pass": 0.02, "slice_time_ref": 0.5}),
        ({"hrf": "none", "drift": "none"},
         {"hrf_model": None, "drift_model": None, "slice_time_ref": 0.5}),
        ({"smooth_mm": 5.0}, {"smoothing_fwhm": 5.0}),
    ],
)  # fmt: skip
def test_maps_per_run_and_condition_equal_nilearn(ours, theirs):
    series = _series()
    made = make_zmaps(series, _runs(), ZMapsConfig(**ours))
    assert made.table["name"].tolist() == [
        f"sub-1_run-{run}_{label}_zmap" for run in ("01", "02") for label in ("face", "house")
    ]
    assert made.maps.names == tuple(made.table["name"])
    assert (made.maps.kind, made.maps.intent, made.maps.step) == ("stat", "z score", None)
    for run, trials in enumerate(TRIALS):
        for label in ("face", "house"):
            expected = _nilearn_map(series, run, trials, label, **theirs)
            np.testing.assert_allclose(_find_map(made, run=str(run + 1), label=label), expected, atol=1e-4)


@pytest.mark.parametrize("noise", ["ar1", "ols"])
def test_lss_equals_one_first_level_model_per_trial(noise):
    series = _series()
    made = make_zmaps(series, _runs(), ZMapsConfig(estimate="lss", noise=noise))
    assert len(made.table) == 9
    for run, trials in enumerate(TRIALS):
        for i, (onset, duration, label) in enumerate(trials):
            others = [(*t[:2], "this" if j == i else t[2]) for j, t in enumerate(trials)]
            expected = _nilearn_map(series, run, others, "this", noise_model=noise)
            found = _find_map(
                made, run=str(run + 1), trial=i + 1, label=label, onset=onset, duration=duration
            )
            np.testing.assert_allclose(found, expected, atol=1e-4)


def test_lsa_equals_one_model_of_all_trials():
    series = _series()
    made = make_zmaps(series, _runs(), ZMapsConfig(estimate="lsa", hrf="spm"))
    for run, trials in enumerate(TRIALS):
        named = [(*t[:2], f"t{i}") for i, t in enumerate(trials)]
        for i in range(len(trials)):
            expected = _nilearn_map(series, run, named, f"t{i}", hrf_model="spm")
            np.testing.assert_allclose(_find_map(made, run=str(run + 1), trial=i + 1), expected, atol=1e-4)


@pytest.mark.parametrize("estimate", ["run", "lss"])
def test_confounds_are_in_the_model_and_derivatives_are_filled_in_the_first_row(tmp_path, estimate):
    rng = np.random.default_rng(3)
    series, files = _series(), []
    for run in (1, 2):
        table = pd.DataFrame(rng.normal(size=(N, 3)), columns=["trans_x", "trans_y", "csf"])
        table["trans_x_derivative1"] = table["trans_x"].diff()
        table["non_steady_state_outlier00"] = 0.0
        files.append(tmp_path / f"run-{run}_timeseries.tsv")
        table.to_csv(files[-1], sep="\t", index=False, na_rep="n/a")
    columns = ("trans_x*", "csf", "non_steady*")
    config = ZMapsConfig(
        estimate=estimate, noise="ols", confounds=columns, confounds_files=("run-*_timeseries.tsv",)
    )
    made = make_zmaps(series, _runs(), config, base=tmp_path)
    for run, trials in enumerate(TRIALS):
        confounds = pd.read_csv(files[run], sep="\t")[["trans_x", "trans_x_derivative1", "csf"]].bfill()
        alone = [(*t[:2], "this" if j == 0 else t[2]) for j, t in enumerate(trials)]
        events, name = (trials, "face") if estimate == "run" else (alone, "this")
        wanted = {"label": "face"} if estimate == "run" else {"trial": 1}
        expected = _nilearn_map(series, run, events, name, confounds=confounds, noise_model="ols")
        np.testing.assert_allclose(_find_map(made, run=str(run + 1), **wanted), expected, atol=1e-4)
    with pytest.raises(InputError, match=r"has no 'rot_\*'. Similar names: trans_x"):
        make_zmaps(series, _runs(), config.model_copy(update={"confounds": ("rot_*",)}), base=tmp_path)
    pd.read_csv(files[0], sep="\t")[:-1].to_csv(files[0], sep="\t", index=False, na_rep="n/a")
    with pytest.raises(InputError, match=r"59 rows for the 60 volumes"):
        make_zmaps(series, _runs(), config, base=tmp_path)


def test_confounds_are_found_by_bids_name(tmp_path):
    name = "sub-1_task-x_run-01_desc-confounds_timeseries.tsv"
    pd.DataFrame({"csf": np.arange(N)}).to_csv(tmp_path / name, sep="\t", index=False)
    bold = tmp_path / "sub-1_task-x_run-01_space-MNI_desc-preproc_bold.nii.gz"
    run = replace(_runs()[0], bold=bold)
    config = ZMapsConfig(confounds=("csf",))
    (plan,), _ = plan_zmaps(_series(), [run], config)
    assert plan.confounds_file == tmp_path / name
    other = replace(run, bold=tmp_path / "sub-1_task-x_run-02_bold.nii.gz")
    with pytest.raises(InputError, match="found none for sub-1_task-x_run-02_bold"):
        plan_zmaps(_series(), [other], config)


def test_a_label_table_gives_boxcars_of_its_blocks():
    labels = np.repeat(["rest", "face", "rest", "house", "face", "rest"], [6, 9, 6, 9, 9, 21])
    table = pd.DataFrame({"label": np.tile(labels, 2), "run": np.repeat(["1", "2"], N)})
    table = table.assign(volume=np.arange(2 * N), subject="", session="")
    table = table.assign(block=number_blocks(table))
    runs = runs_of_table(table, 0.7, exclude=["rest"])
    assert [(e.onset, e.duration, e.label) for e in runs[1].events] == [
        (4.2, 6.3, "face"), (14.7, 6.3, "house"), (21.0, 6.3, "face"),
    ]  # fmt: skip
    series = replace(_series(), step=0.7)
    ((plan, _), _) = plan_zmaps(series, runs, ZMapsConfig(hrf="none"))
    (design,) = plan.models(0.7, ZMapsConfig(hrf="none"))
    face, house = (design.matrix[:, column] for column in design.columns)
    np.testing.assert_allclose(face, labels == "face", atol=1e-9)
    np.testing.assert_allclose(house, labels == "house", atol=1e-9)


def test_a_lag_shifts_the_boxcar_and_is_an_error_with_an_hrf():
    late = [[(t[0] + 4, *t[1:]) for t in run] for run in TRIALS]
    boxcar = {"hrf": "none", "noise": "ols"}
    lagged = make_zmaps(_series(), _runs(), ZMapsConfig(lag=4, **boxcar))
    moved = make_zmaps(_series(), _runs(late), ZMapsConfig(**boxcar))
    np.testing.assert_allclose(lagged.maps.at(2), moved.maps.at(2), atol=1e-5)
    with pytest.raises(ValueError, match="has its own delay"):
        ZMapsConfig(lag=4)


def test_maps_are_0_outside_the_mask():
    mask = np.zeros(SHAPE, np.uint8)
    mask[1:4, 2, 1:] = 1
    series = _series()
    whole = make_zmaps(series, _runs(), ZMapsConfig())
    made = make_zmaps(series, _runs(), ZMapsConfig(), Volume(mask, AFFINE, "mask"))
    np.testing.assert_allclose(made.maps.at(1)[mask > 0], whole.maps.at(1)[mask > 0], atol=1e-6)
    assert (made.maps.at(1)[mask == 0] == 0).all()


def test_nan_voxels_are_nan_in_their_run_and_constant_voxels_are_0():
    data = _noise()
    data[2, 2, 2, 5] = np.nan
    data[3, 3, 3, :N] = 700
    data[0, 0, 0] = 0
    made = make_zmaps(_series(data), _runs(), ZMapsConfig(noise="ols"))
    first, second = _find_map(made, run="1", label="face"), _find_map(made, run="2", label="face")
    assert np.isnan(first[2, 2, 2])
    assert np.isfinite(second[2, 2, 2])
    assert (first[3, 3, 3], first[0, 0, 0], second[0, 0, 0]) == (0, 0, 0)
    assert second[3, 3, 3] != 0
    assert "1 of 120 voxels are NaN" in made.notes[0]
    assert "2 of 120 voxels are constant" in made.notes[1]
    good = _noise()
    np.testing.assert_allclose(
        first[1, 1, 1],
        _nilearn_map(_series(good), 0, TRIALS[0], "face", noise_model="ols")[1, 1, 1],
        atol=1e-4,
    )


def test_notes_report_runs_without_events_and_missing_conditions():
    runs = _runs([[], TRIALS[1][1:2]])
    made = make_zmaps(_series(), runs, ZMapsConfig(noise="ols"))
    assert made.table[["run", "label"]].to_numpy().tolist() == [["2", "face"]]
    assert made.notes[0] == "Subject 1, run 1 has no events, so it has no maps."
    three = _runs([TRIALS[0], TRIALS[1][1:2]])
    _, notes = plan_zmaps(_series(), three, ZMapsConfig())
    assert "Subject 1, run 2 has no map of house, because it has no such events." in notes
    with pytest.raises(InputError, match="none of 2 has"):
        make_zmaps(_series(), _runs([[], []]), ZMapsConfig())


@pytest.mark.parametrize("estimate", ["run", "lsa", "lss"])
def test_a_single_trial_gives_a_map(estimate):
    series = _series()
    made = make_zmaps(series, _runs([TRIALS[0][:1]]), ZMapsConfig(estimate=estimate))
    expected = _nilearn_map(series, 0, TRIALS[0][:1], "face")
    np.testing.assert_allclose(made.maps.at(0), expected, atol=1e-4)


def test_overlapping_events_are_modeled_as_in_nilearn():
    trials = [(10.0, 20.0, "face"), (18.0, 20.0, "house"), (60.0, 10.0, "face")]
    series = _series()
    made = make_zmaps(series, _runs([trials]), ZMapsConfig(estimate="lss", noise="ols"))
    named = [(*t[:2], "this" if i == 1 else t[2]) for i, t in enumerate(trials)]
    np.testing.assert_allclose(
        _find_map(made, trial=2), _nilearn_map(series, 0, named, "this", noise_model="ols"), atol=1e-4
    )


class _Unread:
    """Voxels that must not be read."""

    shape, ndim, dtype = (*SHAPE, 2 * N), 4, np.dtype(np.float32)

    def __getitem__(self, key):
        raise AssertionError("a volume was read")


@pytest.mark.parametrize(
    ("trials", "options", "message"),
    [
        ([[(200.0, 6.0, "face")], TRIALS[1]], {}, "has 60 volumes, 120 s at a TR of 2 s, but 1 of 1 events"),
        ([[(0.0, 60.0, "face"), (60.0, 60.0, "rest")]], {"hrf": "none"}, "Exclude the label of the baseline"),
        ([[(2.0 * i, 1.0, f"t{i}") for i in range(59)]], {"estimate": "lsa"}, 'estimate = "lss"'),
        ([[(20.0, 6.0, "face"), (20.0, 6.0, "face")]], {"estimate": "lsa"}, "face, trial 1, are given by"),
        ([[(0.1, 0.2, "face")]], {"hrf": "none"}, "cover no volume, such as face at 0.1 s for 0.2 s"),
    ],
)  # fmt: skip
def test_errors_are_raised_before_any_volume_is_read(trials, options, message):
    series = Volume(_Unread(), AFFINE, "bold", TR, name="bold")
    with pytest.raises(InputError, match=message):
        make_zmaps(series, _runs(trials), ZMapsConfig(**options))


def test_zmaps_require_a_time_series():
    with pytest.raises(InputError, match="have no TR"):
        make_zmaps(replace(_series(), step=None), _runs(), ZMapsConfig())


def test_progress_counts_to_the_number_of_maps():
    seen = []
    make_zmaps(_series(), _runs(), ZMapsConfig(noise="ols"), progress=lambda *at: seen.append(at))
    assert seen[0] == (0, 4)
    assert seen[-1] == (4, 4)
    assert seen == sorted(seen)


def test_the_boxcar_design_equals_nilearn_without_an_hrf():
    ((plan, _), _) = plan_zmaps(_series(), _runs(), ZMapsConfig(hrf="none", slice_time_ref=0.0))
    (design,) = plan.models(TR, ZMapsConfig(hrf="none", slice_time_ref=0.0))
    table = pd.DataFrame(TRIALS[0], columns=["onset", "duration", "trial_type"])
    theirs = make_first_level_design_matrix(np.arange(N) * TR, table, hrf_model=None, high_pass=0.008)
    np.testing.assert_allclose(design.matrix, theirs.to_numpy(), atol=1e-12)
