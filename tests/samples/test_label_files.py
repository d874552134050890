"""Labels from the files of FSL, SPM, OpenFMRI and PyMVPA; and the names of labels of every source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.labels.spm import read_conditions
from napari_fmri_decoder.samples.zmaps import find_runs
from napari_fmri_decoder.volumes.volume import Part, Volume

FACE, HOUSE = [(0.0, 4.0), (16.0, 4.0)], [(8.0, 4.0), (24.0, 4.0)]
WANTED = ["face", "face", "", "", "house", "house", "", ""] * 2


def bold(*parts: Part, n: int = 16) -> Volume:
    return Volume(np.zeros((2, 2, 2, n), np.float32), np.eye(4), "bold", 2.0, name="bold", parts=parts)


def two_runs(folder: Path) -> Volume:
    return bold(*(Part(str(folder / f"run-{run}_bold.nii.gz"), 16) for run in (1, 2)), n=32)


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


def labels(options: dict, series: Volume, folder: Path) -> list[str]:
    return label_table(parse_labels(options), series, folder)[0]["label"].tolist()


# -- FSL


@pytest.mark.parametrize(
    "name",
    ["run-{run}_{label}.txt", "{label}_run0{run}.txt", "run00{run}/{label}.txt", "Run{run}/{label}.ev"],
)
def test_three_column_files_go_with_the_run_of_their_path(tmp_path, name):
    for run, (first, second) in ((1, (FACE, HOUSE)), (2, (HOUSE, FACE))):
        three_columns(tmp_path / "ev" / name.format(run=run, label="face"), first)
        three_columns(tmp_path / "ev" / name.format(run=run, label="house"), second)
    pattern = "ev/**/*.*" if "/" in name else "ev/*.txt"
    table, notes = label_table(
        parse_labels({"source": "fsl", "files": [pattern]}), two_runs(tmp_path), tmp_path
    )
    swapped = [{"face": "house", "house": "face"}.get(label, label) for label in WANTED]
    assert table["label"].tolist() == WANTED + swapped
    assert table["run"].tolist() == ["1"] * 16 + ["2"] * 16
    assert notes == ["16 of 32 volumes have no label and are left out."]


def test_weights_of_zero_are_no_events_and_others_are_told(tmp_path):
    (tmp_path / "face.txt").write_text("0 4 1\n16\t4\t0.5\n")
    (tmp_path / "house.txt").write_text("onset duration weight\n8 4 1\n")
    (tmp_path / "empty.txt").write_text("0 0 0\n")
    config = parse_labels({"source": "fsl", "files": ["face.txt", "house.txt", "empty.txt"]})
    table, notes = label_table(config, bold(), tmp_path)
    assert table["label"].tolist() == [
        "face",
        "face",
        "",
        "",
        "house",
        "house",
        "",
        "",
        "face",
        "face",
        *[""] * 6,
    ]
    assert notes[0] == "1 file(s) have different weights, which labels do not use."
    pattern = parse_labels({"source": "fsl", "files": ["face.txt", "house.txt"], "pattern": "^(?P<label>.)"})
    assert set(label_table(pattern, bold(), tmp_path)[0]["label"]) == {"f", "h", ""}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 4\n", "must have onset, duration and weight on each line; face.txt has 2 columns"),
        ("0 4 1\n8 soon 1\n", "row 2 of face.txt has 'soon'"),
        ("0 -4 1\n", "negative one, the first in row 1"),
        ("nan 4 1\n", "must have an onset"),
        ("0 4 1\n0 4 x\n", "Weights must be numbers; row 2 of face.txt has 'x'"),
    ],
)
def test_what_is_wrong_with_three_columns_is_said(tmp_path, text, message):
    (tmp_path / "face.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        labels({"source": "fsl", "files": ["face.txt"]}, bold(), tmp_path)


def test_files_of_onsets_that_tell_no_run_are_refused(tmp_path):
    three_columns(tmp_path / "face.txt", FACE)
    with pytest.raises(InputError, match=r"face\.txt \(no run\) fits 0 of 2 images"):
        labels({"source": "fsl", "files": ["face.txt"]}, two_runs(tmp_path), tmp_path)


# -- SPM


def test_names_onsets_and_durations_of_spm(tmp_path):
    for run in (2, 1):
        conditions(tmp_path / f"conditions_run{run}.mat", onsets=(FACE, HOUSE) if run == 1 else (HOUSE, FACE))
    # the pattern sorts, but the runs in the names decide
    given = {"source": "spm", "files": ["conditions_run2.mat", "conditions_run1.mat"]}
    swapped = [{"face": "house", "house": "face"}.get(label, label) for label in WANTED]
    assert labels(given, two_runs(tmp_path), tmp_path) == WANTED + swapped


def test_one_duration_of_a_condition_and_scans_as_unit(tmp_path):
    conditions(tmp_path / "c.mat", onsets=([(0, 0), (8, 0)], [(4, 0), (12, 0)]), durations=[2.0, 2.0])
    assert labels({"source": "spm", "files": ["c.mat"], "units": "scans"}, bold(), tmp_path) == WANTED


def test_z_maps_take_the_onsets_of_spm_in_scans(tmp_path):
    conditions(tmp_path / "c.mat", onsets=([(0, 0), (8, 0)], [(4, 0), (12, 0)]), durations=[2.0, 2.0])
    config = parse_labels({"source": "spm", "files": ["c.mat"], "units": "scans"})
    runs, _ = find_runs(config, bold(), tmp_path)
    assert [str(event) for event in runs[0].events][:2] == ["face at 0 s for 4 s", "house at 8 s for 4 s"]


def test_what_is_wrong_with_a_mat_file_is_said(tmp_path):
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
        with pytest.raises(InputError, match=r"must be (a \.mat file|of MATLAB's version)|must hold names"):
            read_conditions(tmp_path / name)


# -- OpenFMRI


def openfmri(folder: Path, key: str = "task001 cond001 face\ntask001 cond002 big house\n") -> Volume:
    model = folder / "models" / "model001"
    model.mkdir(parents=True)
    (model / "condition_key.txt").write_text(key)
    parts = []
    for run in ("task001_run001", "task001_run002"):
        onsets = folder / "sub003" / "model" / "model001" / "onsets" / run
        three_columns(onsets / "cond001.txt", FACE)
        three_columns(onsets / "cond002.txt", HOUSE)
        parts.append(Part(str(folder / "sub003" / "BOLD" / run / "bold.nii.gz"), 16))
    return bold(*parts, n=32)


@pytest.mark.parametrize("onsets", [(), ("sub003/model/model001/onsets/*/cond*.txt",)])
def test_openfmri_names_its_conditions_by_a_key(tmp_path, onsets):
    series = openfmri(tmp_path)
    config = parse_labels(
        {"source": "openfmri", "condition_key": "models/model001/condition_key.txt", "onsets": onsets}
    )
    table, _ = label_table(config, series, tmp_path)
    assert table["label"].tolist() == [label.replace("house", "big house") for label in WANTED] * 2
    assert table[["subject", "run"]].drop_duplicates().to_numpy().tolist() == [["3", "1"], ["3", "2"]]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("task001 cond001 face\n", "condition_key.txt names no cond002 of task 1"),
        ("task001 face\n", "must read like .* line 1 of condition_key.txt is 'task001 face'"),
    ],
)
def test_a_condition_that_has_no_name_is_said(tmp_path, key, message):
    series = openfmri(tmp_path, key)
    with pytest.raises(InputError, match=message):
        labels({"source": "openfmri", "condition_key": "models/model001/condition_key.txt"}, series, tmp_path)


# -- PyMVPA


@pytest.mark.parametrize("head", ["", "targets chunks\n", "labels chunks\n"])
def test_attributes_are_label_and_chunk_of_each_volume(tmp_path, head):
    (tmp_path / "attributes.txt").write_text(head + "rest 0\nface 0\nrest 1\nface 1\n")
    config = parse_labels({"source": "pymvpa", "attributes": "attributes.txt", "exclude": ["rest"]})
    table, _ = label_table(config, bold(n=4), tmp_path)
    assert table["label"].tolist() == ["rest", "face", "rest", "face"]
    assert table["run"].tolist() == ["0", "0", "1", "1"]
    with pytest.raises(InputError, match=r"found 4 in attributes.txt for 5 volumes"):
        label_table(config, bold(n=5), tmp_path)
    (tmp_path / "attributes.txt").write_text("a b c\n")
    with pytest.raises(InputError, match="found 3 columns"):
        label_table(config, bold(n=4), tmp_path)


# -- names


SOURCES = {
    "table": {"source": "table", "table": "v.tsv"},
    "events": {"source": "events", "events": ["e.tsv"]},
    "blocks": {"source": "blocks", "blocks": "2 face, 2 cat, 2 house, 2 rest"},
    "painted": {"source": "painted", "spans": ["0-1 face", "2-3 cat", "4-5 house", "6-7 rest"]},
    "pymvpa": {"source": "pymvpa", "attributes": "a.txt"},
    "fsl": {"source": "fsl", "files": ["face.txt", "cat.txt", "house.txt", "rest.txt"]},
    "spm": {"source": "spm", "files": ["c.mat"]},
}
EIGHT = ["face", "face", "cat", "cat", "house", "house", "rest", "rest"]


def write_all(folder: Path) -> None:
    (folder / "v.tsv").write_text("label\trun\n" + "".join(f"{label}\t1\n" for label in EIGHT))
    (folder / "a.txt").write_text("".join(f"{label} 1\n" for label in EIGHT))
    events = [(4.0 * i, 4.0, label) for i, label in enumerate(EIGHT[::2])]
    (folder / "e.tsv").write_text(
        "onset\tduration\ttrial_type\n" + "".join(f"{a}\t{b}\t{c}\n" for a, b, c in events)
    )
    for onset, duration, label in events:
        three_columns(folder / f"{label}.txt", [(onset, duration)])
    conditions(folder / "c.mat", EIGHT[::2], [[(onset, duration)] for onset, duration, _ in events])


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_labels_of_every_source_can_be_renamed_merged_and_kept(tmp_path, source):
    write_all(tmp_path)
    names = {
        "rename": {"house": "building"},
        "merge": {"animate": ["face", "cat"]},
        "keep": ["animate", "building"],
    }
    config = parse_labels(SOURCES[source] | names)
    table, notes = label_table(config, bold(n=8), tmp_path)
    assert table["label"].tolist() == ["animate"] * 4 + ["building"] * 2 + ["rest"] * 2
    assert table["block"].tolist() == [0] * 4 + [1] * 2 + [2] * 2
    assert config.excluded(table["label"]) == ("rest",)
    assert "2 of 8 volumes are labelled 'rest' and are excluded." in notes
    assert parse_labels(config.model_dump(mode="json")) == config


def test_names_that_do_not_occur_are_told(tmp_path):
    write_all(tmp_path)
    names = {"rename": {"hose": "x"}, "merge": {"animate": ["face", "dog"]}, "keep": ["animate", "hause"]}
    for source in ("table", "events"):
        _, notes = label_table(parse_labels(SOURCES[source] | names), bold(n=8), tmp_path)
        said = " ".join(notes)
        for option, name in (("rename", "hose"), ("merge", "dog"), ("keep", "hause")):
            assert f"No volume is labelled '{name}', which {option} names. The labels are: cat, face" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep": ["a"], "exclude": ["a"]}, "must not name the same label"),
        ({"rename": {"a": "x", "b": "x"}}, "several become 'x'; use merge"),
        ({"merge": {"x": ["a"], "y": ["a", "b"]}}, "'a' is in it twice"),
        ({"rename": {"a": ""}}, "must not be empty"),
    ],
)
def test_names_that_contradict_each_other_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        parse_labels({"source": "table", "table": "v.tsv"} | options)


def test_renaming_a_label_to_another_that_occurs_is_refused_and_a_swap_is_none(tmp_path):
    write_all(tmp_path)
    for source in ("table", "events"):
        with pytest.raises(InputError, match=r"'cat' is the name of another label. Use merge"):
            labels(SOURCES[source] | {"rename": {"face": "cat"}}, bold(n=8), tmp_path)
        swapped = labels(SOURCES[source] | {"rename": {"face": "cat", "cat": "face"}}, bold(n=8), tmp_path)
        assert swapped[:4] == ["cat", "cat", "face", "face"]


def test_events_that_are_merged_into_one_label_may_overlap(tmp_path):
    (tmp_path / "e.tsv").write_text("onset\tduration\ttrial_type\n0\t6\tface\n4\t4\tcat\n8\t8\thouse\n")
    config = {"source": "events", "events": ["e.tsv"]}
    with pytest.raises(InputError, match="must not overlap"):
        labels(config, bold(n=8), tmp_path)
    merged = labels(config | {"merge": {"animate": ["face", "cat"]}}, bold(n=8), tmp_path)
    assert merged == ["animate"] * 4 + ["house"] * 4
    assert labels(config | {"keep": ["face", "house"]}, bold(n=8), tmp_path)[:4] == ["face"] * 3 + ["cat"]
