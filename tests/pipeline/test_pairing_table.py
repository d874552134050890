"""The files paired with each image, from recipe, command and Python; and where they are shown."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from two_runs import true_labels, write_events, write_run, write_table
from typer.testing import CliRunner

from napari_fmri_decoder.cli import app
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline import finish, prepare_run, run
from napari_fmri_decoder.pipeline.pairing import MOST, pairing_cells
from napari_fmri_decoder.recipe import make_recipe
from napari_fmri_decoder.samples.pairing import PairingRow
from napari_fmri_decoder.volumes.read import read_series

LINEAR = {"decoder": {"name": "linear"}}


def events_recipe(images: list[str], events: list[str], **more: object):
    return make_recipe(
        {"data": {"images": images}, "labels": {"source": "events", "events": events}, **LINEAR, **more}
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """Runs whose names sort the other way round: post is run 2, and zeta comes first."""
    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(0)
    for name, number in (("pre", 1), ("post", 2)):
        write_run(folder / f"{name}.nii.gz", number)
        write_events(folder / f"{name}_events.tsv", number)
        drift = rng.normal(size=32) + 10 * number
        (folder / f"{name}_motion.tsv").write_text("csf\n" + "\n".join(f"{v:.4f}" for v in drift) + "\n")
    write_table(folder / "volumes.tsv", (1, 2))
    for name, number in (("zeta", 1), ("alpha", 2)):  # names that no events file shares
        write_events(folder / f"{name}.tsv", number)
    return folder


@pytest.mark.parametrize(
    "events",
    [
        ["pre_events.tsv", "post_events.tsv"],
        ["post_events.tsv", "pre_events.tsv"],
        ["*_events.tsv"],
        ["zeta.tsv", "alpha.tsv"],
    ],
)
def test_listed_images_get_their_own_events(study, events):
    prepared = prepare_run(events_recipe(["pre.nii.gz", "post.nii.gz"], events), study)
    assert prepared.table["label"].tolist() == true_labels((1, 2))
    assert prepared.table["run"].unique().tolist() == ["pre", "post"]


def test_a_table_follows_the_order_of_the_listed_images(study):
    labels = {"source": "table", "table": "volumes.tsv"}
    recipe = make_recipe({"data": {"images": ["pre.nii.gz", "post.nii.gz"]}, "labels": labels, **LINEAR})
    prepared = prepare_run(recipe, study)
    raised = np.asarray(prepared.series.data[0]).mean(axis=(0, 1))  # face raises the first voxels
    shown = np.array(true_labels((1, 2))) == "face"
    assert raised[shown].min() > raised[~shown].max()


@pytest.mark.parametrize("files", [["pre", "post"], ["post", "pre"]])
@pytest.mark.parametrize("zmaps", [None, {"noise": "ols", "drift": "none"}])
def test_listed_images_get_their_own_confounds(study, files, zmaps):
    files = [f"{name}_motion.tsv" for name in files]
    confounds = {"confounds": ["csf"], "confounds_files": files}
    more = {"prepare": confounds} if zmaps is None else {"zmaps": zmaps | confounds}
    prepared = prepare_run(events_recipe(["pre.nii.gz", "post.nii.gz"], ["*_events.tsv"], **more), study)
    rows = [(Path(row.image).name, Path(row.confounds).name) for row in prepared.pairing]
    assert rows == [("pre.nii.gz", "pre_motion.tsv"), ("post.nii.gz", "post_motion.tsv")]


def test_runs_of_a_table_get_the_confounds_of_their_files_for_z_maps(study):
    recipe = make_recipe(
        {
            "data": {"images": ["pre.nii.gz", "post.nii.gz"]},
            "labels": {"source": "table", "table": "volumes.tsv"},
            "zmaps": {
                "noise": "ols",
                "drift": "none",
                "confounds": ["csf"],
                "confounds_files": ["post_motion.tsv", "pre_motion.tsv"],
            },
            **LINEAR,
        }
    )
    assert [Path(row.confounds).name for row in prepare_run(recipe, study).pairing] == [
        "pre_motion.tsv",
        "post_motion.tsv",
    ]


def test_events_of_another_run_are_refused(tmp_path):
    for number in (1, 2):
        write_run(tmp_path / f"sub-1_run-{number}_bold.nii.gz", number)
    for number in (1, 3):
        write_events(tmp_path / f"sub-1_run-{number}_events.tsv", number)
    with pytest.raises(InputError, match="run-3 is not run-2"):
        prepare_run(events_recipe(["*_bold.nii.gz"], ["*_events.tsv"]), tmp_path)


def test_raw_events_of_run_01_belong_to_a_preprocessed_run_1(tmp_path):
    func = tmp_path / "derivatives" / "fmriprep" / "sub-01" / "func"
    for number in (1, 2):
        write_events(tmp_path / "sub-01" / "func" / f"sub-01_task-x_run-0{number}_events.tsv", number)
        write_run(func / f"sub-01_task-x_run-{number}_space-T1w_desc-preproc_bold.nii.gz", number)
    prepared = prepare_run(events_recipe(["derivatives/fmriprep/sub-01/func/*_bold.nii.gz"], []), tmp_path)
    assert prepared.table["label"].tolist() == true_labels((1, 2))


def test_a_list_given_in_python_keeps_its_order(study):
    parts = read_series([study / "pre.nii.gz", study / "post.nii.gz", study / "pre.nii.gz"]).parts
    assert [Path(part.path).name for part in parts] == ["pre.nii.gz", "post.nii.gz"]


def test_the_pairing_is_a_table_of_the_report_and_of_the_run(study, tmp_path):
    for name in ("pre", "post"):
        (tmp_path / f"{name}_bold.json").write_text(json.dumps({"RepetitionTime": 2.0}))
        (tmp_path / f"{name}_bold.nii.gz").symlink_to(study / f"{name}.nii.gz")
        (tmp_path / f"{name}_events.tsv").symlink_to(study / f"{name}_events.tsv")
    recipe = events_recipe(["pre_bold.nii.gz", "post_bold.nii.gz"], ["post_events.tsv", "pre_events.tsv"])
    result = finish(run(recipe, tmp_path, tmp_path / "run"))
    row = result.prepared.pairing[1]
    assert isinstance(row, PairingRow)
    assert (Path(row.image).name, Path(row.events).name) == ("post_bold.nii.gz", "post_events.tsv")
    assert (row.run, row.volumes, row.tr_s, row.confounds) == ("post_bold", 32, 2.0, None)
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert re.search(r"<td>post_bold.nii.gz</td>\s*<td>post_events.tsv</td>", page)
    assert result.scores.score > 0.9


def test_a_dry_run_shows_the_pairing_and_writes_nothing(study, tmp_path):
    path = study / "dry.toml"
    recipe = events_recipe(["pre.nii.gz", "post.nii.gz"], ["*_events.tsv"])
    path.write_text(recipe.to_toml(), encoding="utf-8")
    before = sorted(study.rglob("*"))
    shown = CliRunner().invoke(app, ["train", str(path), "--dry-run"], catch_exceptions=False)
    assert shown.exit_code == 0, shown.output
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert lines[0][:2] == ["image", "events"]
    assert lines[1][:2] == ["pre.nii.gz", "pre_events.tsv"]
    assert lines[2][:2] == ["post.nii.gz", "post_events.tsv"]
    plain = CliRunner().invoke(app, ["train", str(path), "--dry-run", "--json"], catch_exceptions=False)
    found = json.loads(plain.stdout)
    assert [Path(row["events"]).name for row in found["pairing"]] == ["pre_events.tsv", "post_events.tsv"]
    assert (found["classes"], found["blocked"], len(found["folds"])) == (["face", "house"], False, 2)
    assert sorted(study.rglob("*")) == before
    path.unlink()


def test_a_dry_run_reports_a_leaky_split_and_exits_with_2(study, tmp_path):
    path = study / "leaky.toml"
    recipe = events_recipe(["pre.nii.gz", "post.nii.gz"], ["*_events.tsv"], split={"scheme": "random"})
    path.write_text(recipe.to_toml(), encoding="utf-8")
    shown = CliRunner().invoke(app, ["train", str(path), "--dry-run", "--json"], catch_exceptions=False)
    path.unlink()
    assert shown.exit_code == 2
    found = json.loads(shown.stdout)
    assert found["blocked"]
    assert [f for f in found["findings"] if f["severity"] == "error" and not f["allowed"]]


def test_z_maps_made_by_the_command_keep_the_pairing(study, tmp_path):
    images = [str(study / f"{name}.nii.gz") for name in ("pre", "post")]
    events = [word for name in ("post", "pre") for word in ("--events", str(study / f"{name}_events.tsv"))]
    out = tmp_path / "maps"
    options = ["--noise", "ols", "--drift", "none", "-o", str(out)]
    done = CliRunner().invoke(app, ["zmaps", *images, *events, *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    runs = json.loads((out / "zmaps.json").read_text(encoding="utf-8"))["runs"]
    assert [(Path(r["image"]).name, Path(r["events_file"]).name) for r in runs] == [
        ("pre.nii.gz", "pre_events.tsv"),
        ("post.nii.gz", "post_events.tsv"),
    ]


def test_long_tables_are_cut_and_equal_file_names_are_distinguished():
    rows = [
        PairingRow(f"/d/sub-{i}/bold.nii", None, None, None, "", "", str(i), 3, None) for i in range(MOST + 7)
    ]
    cells = pairing_cells(rows)
    assert cells[3][0] == str(Path("sub-3/bold.nii"))
    assert cells[-1][0] == "and 7 more"
    assert len(cells) == MOST + 1


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def test_one_word_in_two_unicode_forms_is_one_label_everywhere(tmp_path):
    write_run(tmp_path / nfd("Läufe") / "run-1.nii.gz", 1)
    write_run(tmp_path / nfd("Läufe") / "run-2.nii.gz", 2)
    table = tmp_path / nfd("Zustände.tsv")
    first, second = (
        write_table(tmp_path / f"{i}.tsv", (i,), "Gänge", "Häuser").read_text("utf-8") for i in (1, 2)
    )
    rows = nfc(first) + nfd(second).split("\n", 1)[1]
    rows = rows.replace(nfd("Häuser") + "\t2", nfd("Päuse") + "\t2", 3)
    table.write_text(rows.replace("label", nfd("Lösung"), 1), encoding="utf-8")
    recipe = make_recipe(
        {
            "data": {"images": nfc("Läufe/run-*.nii.gz")},
            "labels": {
                "source": "table",
                "table": nfc("Zustände.tsv"),
                "label_column": nfc("Lösung"),
                "exclude": [nfc("Päuse")],
            },
            **LINEAR,
        }
    )
    prepared = prepare_run(recipe, tmp_path)
    assert prepared.samples.classes == (nfc("Gänge"), nfc("Häuser"))
    assert len(prepared.samples.X) == 64 - 3


@pytest.mark.parametrize(("of_names", "of_recipe"), [(nfc, nfd), (nfd, nfc)])
def test_events_and_splits_match_in_either_unicode_form(tmp_path, of_names, of_recipe):
    for number, name in ((1, "früh"), (2, "spät")):
        write_run(tmp_path / of_names(f"sub-é_ses-{name}_bold.nii.gz"), number)
        write_events(tmp_path / of_names(f"sub-é_ses-{name}_events.tsv"), number, of_names("Gänge"), "Häuser")
    recipe = make_recipe(
        {
            "data": {"images": of_recipe("sub-é_*_bold.nii.gz")},
            "labels": {"source": "events"},
            "split": {"scheme": "explicit", "test": [of_recipe("ses-früh")]},
            **LINEAR,
        }
    )
    prepared = prepare_run(recipe, tmp_path)
    assert prepared.samples.classes == (nfc("Gänge"), nfc("Häuser"))
    assert len(prepared.splits[0].test) == 32
