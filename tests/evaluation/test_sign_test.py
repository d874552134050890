"""The comparison of a decoder with a baseline over blocks."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import comb
from typing import TYPE_CHECKING

import numpy as np
import pytest
from evaluation_fakes import leave_one_run_out, make_samples
from numpy.typing import NDArray

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.evaluation.sign_test import PairedTest, compare_with_baseline, sign_test
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FoldDone, FoldResult

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples


def results(samples: Samples) -> list[FoldResult]:
    decoder = get_decoder({"name": "dummy"})
    events = cross_validate(
        decoder, samples, leave_one_run_out(samples), TrainingConfig(threads=1).resolved(decoder)
    )
    return [event.result for event in events if isinstance(event, FoldDone)]


def predicting(folds: list[FoldResult], predicted: NDArray[np.int64], classes: int) -> list[FoldResult]:
    return [
        replace(fold, probabilities=np.eye(classes, dtype=np.float32)[predicted[fold.split.test]])
        for fold in folds
    ]


def test_blocks_with_more_correct_predictions_are_counted() -> None:
    samples = make_samples(blocks=3, features=4)
    folds, n_classes = results(samples), len(samples.classes)
    rng = np.random.default_rng(0)
    ours, theirs = rng.integers(0, n_classes, (2, len(samples.y)))
    found = compare_with_baseline(
        "mlp", predicting(folds, ours, n_classes), "lda", predicting(folds, theirs, n_classes), samples
    )
    better = worse = n = 0
    table = samples.table
    for run, block in dict.fromkeys(zip(samples.groups, table["block"], strict=True)):
        inside = np.asarray((samples.groups == run) & (table["block"] == block))
        difference = (ours == samples.y)[inside].sum() - (theirs == samples.y)[inside].sum()
        better, worse, n = better + (difference > 0), worse + (difference < 0), n + 1
    assert n > len(set(samples.groups)), "several blocks in each run"
    assert found == PairedTest("mlp", "lda", n, better, worse, sign_test(better, worse))


@pytest.mark.parametrize(("better", "worse"), list(product((0, 1, 4, 9), (0, 2, 7))))
def test_p_is_the_two_tails_of_the_binomial_distribution(better: int, worse: int) -> None:
    n = better + worse
    tail = sum(comb(n, k) for k in range(min(better, worse) + 1)) / 2**n
    assert sign_test(better, worse) == pytest.approx(min(1, 2 * tail))


@pytest.mark.parametrize(
    ("better", "worse", "relation"),
    [(9, 0, "ahead of"), (0, 9, "behind"), (3, 2, "not ahead of"), (0, 0, "not ahead of")],
)
def test_the_sentence_states_the_relation_the_counts_and_the_test(
    better: int, worse: int, relation: str
) -> None:
    p = sign_test(better, worse)
    sentence = PairedTest("cnn2d", "lda", 12, better, worse, p).sentence
    assert sentence == (
        f"cnn2d is {relation} lda: better in {better} and worse in {worse} of 12 blocks "
        f"(sign test, p = {p:.2g})."
    )
