"""Labels from SPM multiple-conditions files."""

from __future__ import annotations

import pytest
import scipy.io
from label_helpers import (
    FACE,
    HOUSE,
    WANTED,
    conditions,
    labels_of,
    series_of,
    two_runs,
)

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import parse_labels
from napari_fmri_decoder.samples.labels.spm import read_conditions
from napari_fmri_decoder.samples.zmaps import find_runs


def test_names_onsets_and_durations_are_read(tmp_path):
    for run in (2, 1):
        conditions(tmp_path / f"conditions_run{run}.mat", onsets=(FACE, HOUSE) if run == 1 else (HOUSE, FACE))
    # listed in the wrong order, but matched by the runs in the names
    given = {"source": "spm", "files": ["conditions_run2.mat", "conditions_run1.mat"]}
    swapped = [{"face": "house", "house": "face"}.get(label, label) for label in WANTED]
    assert labels_of(given, two_runs(tmp_path), tmp_path) == WANTED + swapped


def test_single_durations_and_scans_as_unit(tmp_path):
    conditions(tmp_path / "c.mat", onsets=([(0, 0), (8, 0)], [(4, 0), (12, 0)]), durations=[2.0, 2.0])
    assert labels_of({"source": "spm", "files": ["c.mat"], "units": "scans"}, series_of(), tmp_path) == WANTED


def test_zmaps_use_onsets_in_scans(tmp_path):
    conditions(tmp_path / "c.mat", onsets=([(0, 0), (8, 0)], [(4, 0), (12, 0)]), durations=[2.0, 2.0])
    config = parse_labels({"source": "spm", "files": ["c.mat"], "units": "scans"})
    runs, _ = find_runs(config, series_of(), tmp_path)
    assert [str(event) for event in runs[0].events][:2] == ["face at 0 s for 4 s", "house at 8 s for 4 s"]


def test_invalid_mat_files_are_errors(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"names": 3})
    with pytest.raises(InputError, match="lacks onsets, durations"):
        read_conditions(tmp_path / "a.mat")
    with pytest.raises(InputError, match="has 2, 1 and 1"):
        read_conditions(conditions(tmp_path / "b.mat", names=("a", "b"), onsets=(FACE,)))
    with pytest.raises(InputError, match=r"face in c.mat has 2 onsets and 3 durations"):
        read_conditions(conditions(tmp_path / "c.mat", durations=[[1, 2, 3], [1.0, 2.0]]))
    with pytest.raises(InputError, match="Durations must be 0 s or more; face"):
        read_conditions(conditions(tmp_path / "d.mat", durations=[-1.0, 2.0]))
    for name, content in (
        ("text.mat", b"names = {}"),
        ("none.mat", b""),
        ("cut.mat", (tmp_path / "b.mat").read_bytes()[:200]),
        ("hdf.mat", b"MATLAB 7.3 MAT-file".ljust(124, b" ") + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(
            InputError, match=r"must be (a \.mat file|of MATLAB's version)|must contain names"
        ):
            read_conditions(tmp_path / name)
