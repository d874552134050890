"""The methods text: one sentence per option, numbers as in scores.json, references of what was used."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from napari_fmri_decoder.evaluation.calibration import Calibration
from napari_fmri_decoder.evaluation.compared import Compared, SeedSpread
from napari_fmri_decoder.evaluation.data_summary import DataSummary
from napari_fmri_decoder.evaluation.measures import ClassScore
from napari_fmri_decoder.evaluation.scores import FoldScore, Permutation, Scores
from napari_fmri_decoder.evaluation.sign_test import PairedTest
from napari_fmri_decoder.pipeline.methods import bibtex, methods_table, methods_text, statements
from napari_fmri_decoder.recipe import make_recipe
from napari_fmri_decoder.samples.audit import Finding

SCORES = Scores(
    headline="accuracy",
    accuracy=0.6123,
    balanced_accuracy=0.6217,
    loss=0.9314,
    train_accuracy=0.9871,
    train_loss=0.1234,
    folds=(
        FoldScore(0, "run 1", 31, 17, 0.5119, 0.5222, 1.1, 0.9, 0.2),
        FoldScore(1, "run 2", 33, 15, 0.7127, 0.7333, 0.8, 1.0, 0.1),
    ),
    untrained_train=None,
    untrained_test=None,
    classes=("a", "b", "c"),
    per_class=(ClassScore("a", 11, 0.5, 0.6), ClassScore("b", 12, 0.5, 0.6), ClassScore("c", 9, 0.5, 0.6)),
    confusion=np.eye(3, dtype=np.int64),
    train_confusion=np.eye(3, dtype=np.int64),
    n_samples=48,
    baseline={"dummy": 0.3412, "lda": 0.5813, "linear": 0.5514},
    versus_baseline=PairedTest("mlp", "lda", 24, 13, 7, 0.263),
    compared=(Compared({"name": "cnn2d"}, 0.4415, 0.4416, 1.2, 0.8, (0.4, 0.5)),),
    calibration=Calibration(0.0917, 0.9518, ()),
    data=DataSummary(529, 23004.6, (3.1, 3.75, 3.5), 1449, 2.5, 2, 10, 72),
    permutation=Permutation(199, 0.015, 0.3319),
    seeds=SeedSpread((0, 1, 2), (0.6123, 0.6, 0.65), 0.6208, 0.0261),
    audit=(Finding("few-samples", "warning", "Few."),),
)
IN_TEXT = [
    *("accuracy", "loss", "train_accuracy", "train_loss", "n_samples"),
    *(f"baseline.{name}" for name in ("dummy", "lda", "linear")),
    *(f"versus_baseline.{name}" for name in ("n_blocks", "better", "worse", "p")),
    *(f"calibration.{name}" for name in ("ece", "log_loss")),
    *(f"data.{name}" for name in ("n_voxels", "volume_mm3", "n_volumes", "tr", "n_subjects", "n_runs")),
    *(f"permutation.{name}" for name in ("n", "p", "mean")),
    *(f"seeds.{name}" for name in ("mean", "std")),
]
"""Numbers of scores.json that the text has."""


def _recipe(**sections):
    base = {
        "data": {"images": ["bold.nii"], "mask": {"strategy": "epi"}},
        "labels": {"source": "events", "exclude": ["rest"]},
        "prepare": {"detrend": True, "standardize_runs": False},
        "decoder": {"name": "mlp"},
        "training": {"seeds": 3},
    }
    for name, options in sections.items():
        base[name] = {**base.get(name, {}), **options}
    return make_recipe(base)


def _sentences(recipe, scores=SCORES):
    found = {one.name: one.text for one in statements(recipe, scores)}
    assert len(found) == len(statements(recipe, scores)), "each sentence is written once"
    return found


def _differing(before, after):
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


OPTIONS = {
    "labels.lag": (4.0, "lag"),
    "labels.bins": ([1.5], "labels"),
    "labels.exclude": (["rest", "cue"], "classes"),
    "labels.trim_start": (1.0, "labels"),
    "data.mask": ("grey.nii", "mask"),
    "prepare.smooth_mm": (6.0, "smoothing"),
    "prepare.detrend": (False, "detrending"),
    "prepare.standardize_runs": (True, "standardizing"),
    "prepare.center_runs": (True, "standardizing"),
    "prepare.confounds": (["motion"], "confounds"),
    "prepare.scrub_mm": (0.5, "scrubbing"),
    "prepare.average_blocks": (True, "averaging"),
    "prepare.average_runs": (True, "averaging"),
    "zmaps.hrf": ("spm", "zmaps"),
    "slab.rotate_x": (20.0, "slab"),
    "split.scheme": ("group-k-fold", "split"),
    "split.test": (["1"], "others"),
    "split.train_where": ({"task": ["seen"]}, "cross_decoding"),
    "split.test_where": ({"task": ["seen", "heard"], "rt": ["< 1"]}, "cross_decoding"),
    "split.both_directions": (False, "others"),
    "split.runs_apart": (True, "others"),
    "decoder.dropout": (0.5, "decoder"),
    "decoder.hidden": (9, "decoder"),
    "decoder.start": ("means", "decoder"),
    "training.epochs": (7, "optimization"),
    "training.optimizer": ("adam", "optimization"),
    "training.learning_rate": (0.03, "optimization"),
    "training.weight_decay": (0.5, "optimization"),
    "training.momentum": (0.9, "optimization"),
    "training.batch_size": (16, "optimization"),
    "training.schedule": ("cosine", "optimization"),
    "training.validation": ("runs", "validation"),
    "training.screening": (500, "screening"),
    "training.whiten": (True, "whitening"),
    "training.balance": ("weights", "balance"),
    "training.calibrate": ("temperature", "temperature"),
    "training.select": ({"hidden": [9, 99]}, "selection"),
    "training.seed": (5, "seeds"),
    "training.average": (True, "average"),
    "training.augment": ({"mixup": 0.2}, "augmentation"),
    "training.precision": ("bfloat16", "others"),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_one_option_changes_its_sentence_alone(option):
    section, name = option.split(".")
    value, sentence = OPTIONS[option]
    before, after = _sentences(_recipe()), _sentences(_recipe(**{section: {name: value}}))
    assert _differing(before, after) == {sentence}


def _other(value):
    """Another value of the same type; the text does not depend on its validity."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value + 0.5
        case str():
            known = {"sgd": "adam", "constant": "cosine", "runs": "last", "float32": "bfloat16"}
            return known.get(value, "weights")
        case tuple():
            return ("other",)
        case dict():
            return {"hidden": (7, 9)}
        case _:
            return 7


@pytest.mark.parametrize("section", ["prepare", "split", "training"])
def test_every_option_is_in_the_text(section):
    recipe = _recipe(
        split={"scheme": "random"}, training={"validation": "runs"}, prepare={"confounds": ["motion"]}
    ).with_training_resolved()
    before = _sentences(recipe)
    silent = {"threads", "device", "confounds_files", "seeds"}
    silent |= {"augment", "calibrate"}  # see OPTIONS
    silent |= {"n_splits", "group"}  # of the k-fold schemes; the scores have the number of folds
    options = getattr(recipe, section)
    for name in set(type(options).model_fields) - silent:
        changed = options.model_copy(update={name: _other(getattr(options, name))})
        after = _sentences(recipe.model_copy(update={section: changed}))
        assert _differing(before, after), f"{section}.{name} is in no sentence"


@pytest.mark.parametrize("key", IN_TEXT)
def test_a_number_of_the_scores_is_in_one_sentence_and_changes_it_alone(key):
    content = SCORES.to_dict()
    value = content
    for part in key.split("."):
        value = value[part]
    formats = [f"{value:.3f}", f"{value:g}", f"{value:.3g}", f"{value:.0f}"]
    text = methods_text(statements(_recipe(), SCORES))
    assert any(re.search(rf"(?<![\d.]){re.escape(form)}(?![\d]|\.\d)", text) for form in formats), value
    first, *rest = key.split(".")
    new = value + (1 if isinstance(value, int) or value > 100 else 0.25)
    part = replace(getattr(SCORES, first), **{rest[0]: new}) if rest and first != "baseline" else new
    if first == "baseline":
        part = {**SCORES.baseline, rest[0]: new}
    changed = _differing(_sentences(_recipe()), _sentences(_recipe(), replace(SCORES, **{first: part})))
    assert len(changed) == 1


def test_no_sentence_on_the_scores_has_a_number_that_scores_json_has_not():
    numbers = set()

    def collect(part):
        if isinstance(part, dict):
            part = list(part.values())
        if isinstance(part, list):
            numbers.add(str(len(part)))
            for one in part:
                collect(one)
        elif isinstance(part, (int, float)):
            numbers.update({f"{part:.3f}", f"{part:g}", f"{part:.3g}", f"{part:.0f}"})

    collect(json.loads(json.dumps(SCORES.to_dict())))
    of_scores = ("score", "overfitting", "baselines", "compared", "calibration", "versus_baseline")
    found = _sentences(_recipe())
    for name in (*of_scores, "permutations", "classes", "images", "split"):
        written = re.findall(r"\d+(?:\.\d+)?", found[name])
        assert written
        assert set(written) <= numbers, found[name]


def test_the_table_has_what_predictive_modeling_must_state():
    table = dict(methods_table(statements(_recipe(), SCORES)))
    assert list(table) == [
        "Data preprocessing",
        "Target values",
        "Features extraction and dimension reduction",
        "Model",
        "Learning method",
        "Training procedure",
        "Evaluation metrics",
        "Significance",
        "Software",
    ]
    sentences = [one.text for one in statements(_recipe(), SCORES)]
    assert sum(map(len, sentences)) == sum(len(text.replace(". ", ".")) for text in table.values()) + sum(
        text.count(". ") for text in sentences
    )


def test_references_are_those_of_what_was_used():
    network, lda = (statements(_recipe(decoder={"name": name}), SCORES) for name in ("mlp", "lda"))
    assert "@inproceedings{Paszke2019" in bibtex(network)
    assert "LedoitWolf2004" not in bibtex(network)
    assert "Paszke2019" not in bibtex(lda)
    assert "LedoitWolf2004" in bibtex(lda)
    assert "PhipsonSmyth2010" in bibtex(lda)
    without = statements(_recipe(), replace(SCORES, permutation=None))
    assert "PhipsonSmyth2010" not in bibtex(without)
    assert "The score was not tested against chance." in methods_text(without)
    for cited in re.findall(r"@([\w-]+)", methods_text(network)):
        assert f"{{{cited}," in bibtex(network)
    assert bibtex(network).count("{Varoquaux2017,") == 1


def test_files_are_named_without_their_folders():
    recipe = _recipe(labels={"source": "table", "table": "/home/somebody/volumes.tsv"})
    recipe = recipe.model_copy(
        update={
            "data": recipe.data.model_copy(
                update={"mask": _recipe(data={"mask": "/home/somebody/gray.nii"}).data.mask}
            )
        }
    )
    text = methods_text(statements(recipe, SCORES))
    assert "volumes.tsv" in text
    assert "gray.nii" in text
    assert "somebody" not in text
