"""A group compares each subject with its own null, and reports how the runs differ."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from typer.testing import CliRunner

from napari_fmri_decoder.cli import app
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.group import group_sentences, summarize_group, write_group
from napari_fmri_decoder.evaluation.prevalence import prevalence


def _run_folder(folder, score, *, p=None, subject="", classes=("a", "b"), recipe="epochs = 3", audit=()):
    folder.mkdir(parents=True)
    null = None if p is None else {"n": 99, "p": p, "mean": 0.5}
    scores = {
        "headline": "accuracy",
        "accuracy": score,
        "chance": 1 / len(classes),
        "classes": list(classes),
        "baseline": {"dummy": 0.5, "linear": 0.7},
        "permutation": null,
        "n_samples": 40,
        "folds": [{}, {}],
        "audit": list(audit),
    }
    (folder / "scores.json").write_text(json.dumps(scores))
    (folder / "recipe.toml").write_text(f"[training]\n{recipe}\n")
    subjects = [subject] if isinstance(subject, str) else subject
    pd.DataFrame({"volume": range(len(subjects)), "subject": subjects}).to_csv(
        folder / "predictions.tsv", sep="\t", index=False, na_rep="n/a"
    )
    return folder


@pytest.fixture
def folders(tmp_path):
    return [
        _run_folder(tmp_path / "one", 0.9, p=0.01, subject="01"),
        _run_folder(tmp_path / "two", 0.6, p=0.30, subject="02"),
        _run_folder(tmp_path / "three", 0.7, p=0.05, subject="03"),
        _run_folder(tmp_path / "four", 0.5),
    ]


def test_subjects_with_equal_and_with_unequal_class_sizes_form_a_group(folders):
    scores = json.loads((folders[1] / "scores.json").read_text())
    scores |= {"headline": "balanced_accuracy", "balanced_accuracy": 0.62}
    (folders[1] / "scores.json").write_text(json.dumps(scores))
    group = summarize_group(folders)
    assert group.measure == "balanced_accuracy"
    assert [row.score for row in group.subjects] == [0.9, 0.62, 0.7, 0.5]
    assert group.notes[0].startswith("All classes of 01, 03, four have the same size")


def test_different_lags_and_too_few_permutations_are_reported(tmp_path):
    one = _run_folder(
        tmp_path / "one", 0.9, p=0.1, subject="01", recipe='[labels]\nlag = 4.0\ntable = "1.tsv"'
    )
    two = _run_folder(
        tmp_path / "two", 0.9, p=0.1, subject="02", recipe='[labels]\nlag = 6.0\ntable = "2.tsv"'
    )
    scores = json.loads((one / "scores.json").read_text())
    scores["permutation"]["n"] = 9
    (one / "scores.json").write_text(json.dumps(scores))
    text = " ".join(summarize_group([one, two]).notes)
    assert "differ in [labels]" in text
    assert "differ in [training]" not in text
    assert "fewer than 19 permutations, p cannot reach 0.05. Increase permutations for: 01." in text
    (two / "recipe.toml").write_text((one / "recipe.toml").read_text().replace("1.tsv", "2.tsv"))
    assert "differ" not in " ".join(summarize_group([one, two]).notes)


def _data(folder, subject, *, mask="", task="faces", runs=2, space="MNI152NLin2009cAsym"):
    """Make a run folder of one subject of a dataset, with its own files."""
    begin = [f"/data/sub-{subject}/sub-{subject}_ses-{subject}x_task-{task}_run-{i}" for i in range(runs)]
    brains = [f'{{strategy = "file", path = "{one}_space-{space}_desc-brain_mask.nii"}}' for one in begin]
    several = f'{{strategy = "combine", how = "and", masks = [{", ".join(brains)}]}}'
    text = f"images = {[f'{one}_space-{space}_desc-preproc_bold.nii' for one in begin]}\n"
    text += f"mask = {mask or (several if runs > 1 else brains[0])}"
    made = _run_folder(folder / subject, 0.9, subject=subject)
    (made / "recipe.toml").write_text(f"[data]\n{text}\n")
    return made


def test_different_masks_tasks_and_spaces_are_reported_but_different_files_are_not(tmp_path):
    one = _data(tmp_path, "01")
    fewer = _data(tmp_path, "02", runs=1)  # it lacks a run
    assert summarize_group([one, fewer]).notes == ()
    strategy = '{strategy = "intensity", floor = 3.0}'
    notes_of_pairs = [
        summarize_group([one, _data(tmp_path, subject, **other)]).notes
        for subject, other in {
            "03": {"mask": strategy},
            "04": {"task": "words"},
            "05": {"space": "T1w"},
            "06": {"mask": '{strategy = "file", path = "/masks/sub-06_FFA.nii"}'},
        }.items()
    ]
    wanted = [["data.mask"], ["data.tasks"], ["data.mask", "data.space"], ["data.mask"]]
    for notes, keys in zip(notes_of_pairs, wanted, strict=True):
        assert list(notes) == [
            f"The runs differ in [{key}]: their scores come from different analyses." for key in keys
        ]


def test_mean_and_spread_and_comparison_of_each_subject_with_its_own_null(folders):
    group = summarize_group(folders)
    scores = [0.9, 0.6, 0.7, 0.5]
    assert group.mean == pytest.approx(np.mean(scores))
    assert group.std == pytest.approx(pd.Series(scores).std())
    assert (group.minimum, group.maximum) == (0.5, 0.9)
    assert [row.subject for row in group.subjects] == ["01", "02", "03", "four"]
    assert [row.p for row in group.subjects] == [0.01, 0.30, 0.05, None]
    assert (group.n_tested, group.n_significant) == (3, 2)
    assert group.p_of_count == pytest.approx(binomtest(2, 3, 0.05, alternative="greater").pvalue)
    text = " ".join(group_sentences(group))
    assert "2 of 3 subjects exceed their own null" in text
    assert "1 of 4 not tested against chance" in text


def test_the_prevalence_is_inferred_from_the_listed_permutations(folders, tmp_path):
    nulls = [np.linspace(0.3, 0.55, 99), np.linspace(0.4, 0.65, 99)]
    for folder, null in zip(folders[:2], nulls, strict=True):
        table = pd.DataFrame({"permutation": np.arange(1, 100), "score": null})
        table.to_csv(folder / "null.tsv", sep="\t", index=False)
    group = summarize_group(folders)
    assert group.prevalence == prevalence(np.array([0.9, 0.6]), nulls)
    assert group.to_dict()["prevalence"]["n_subjects"] == 2
    assert "Prevalence is inferred without 03" in " ".join(group.notes)
    assert "Prevalence (minimum statistic of 2 subjects" in " ".join(group_sentences(group))
    assert summarize_group(folders[2:]).prevalence is None
    (folders[0] / "null.tsv").write_text("nothing\n")
    with pytest.raises(InputError, match="finished runs"):
        summarize_group(folders)


def test_the_table_is_written_and_printed(folders, tmp_path):
    written = write_group(summarize_group(folders), tmp_path / "group")
    assert [p.name for p in written] == ["group.json", "group.tsv"]
    table = pd.read_csv(tmp_path / "group" / "group.tsv", sep="\t", dtype={"subject": str})
    assert table["score"].tolist() == [0.9, 0.6, 0.7, 0.5]
    assert table["p"].isna().tolist() == [False, False, False, True]
    words = ["group", *map(str, folders), "--out", str(tmp_path / "other")]
    shown = CliRunner().invoke(app, words, catch_exceptions=False)
    assert shown.exit_code == 0
    assert "03" in shown.output
    assert "0.050" in shown.output
    as_json = json.loads(CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False).output)
    assert as_json == json.loads((tmp_path / "other" / "group.json").read_text())
    assert len(as_json["subjects"]) == 4


def test_one_subject_has_no_standard_deviation(tmp_path):
    group = summarize_group([_run_folder(tmp_path / "one", 0.9)])
    assert np.isnan(group.std)
    assert group.to_dict()["std"] is None
    assert group.p_of_count is None


def test_runs_of_different_analyses_are_reported_or_refused(folders, tmp_path):
    other = _run_folder(tmp_path / "five", 0.8, recipe="epochs = 4", audit=[{"severity": "error"}])
    notes = summarize_group([*folders, other]).notes
    assert any("[training]" in note for note in notes)
    assert any("overridden in: five" in note for note in notes)
    with pytest.raises(InputError, match="the same classes"):
        summarize_group([*folders, _run_folder(tmp_path / "six", 0.4, classes="abc")])
    with pytest.raises(InputError, match="01 has several"):
        summarize_group([*folders, _run_folder(tmp_path / "seven", 0.4, subject="01")])
    with pytest.raises(InputError, match="has 2 subjects"):
        summarize_group([_run_folder(tmp_path / "eight", 0.4, subject=["01", "02"])])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="finished runs"):
        summarize_group([*folders, tmp_path / "empty"])
    with pytest.raises(InputError, match="at least one"):
        summarize_group([])
