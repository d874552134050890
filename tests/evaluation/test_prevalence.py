"""Prevalence inference covers the true prevalence, and finds nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.prevalence import prevalence, prevalence_sentence

SUBJECTS, PERMUTATIONS, SAMPLES = 20, 100, 96


def _simulated(true, effect=0.75, simulations=1000, seed=0):
    """Lower bounds of studies in which each subject has an effect with probability `true`; chance is 1/2."""
    rng = np.random.default_rng(seed)
    rate = np.where(rng.random((simulations, SUBJECTS)) < true, effect, 0.5)
    observed = rng.binomial(SAMPLES, rate) / SAMPLES
    permuted = rng.binomial(SAMPLES, 0.5, (simulations, SUBJECTS, PERMUTATIONS)) / SAMPLES
    studies = zip(observed, permuted, strict=True)
    return np.array([prevalence(scores, list(null)).lower_bound for scores, null in studies])


@pytest.mark.parametrize("effect", [0.6, 0.75, 1.0])
def test_the_lower_bound_covers_a_prevalence_of_one_half(effect):
    bounds = _simulated(0.5, effect)
    assert np.mean(bounds <= 0.5) >= 0.935


def test_without_an_effect_few_studies_are_positive():
    assert np.mean(_simulated(0.0) > 0) <= 0.07


def test_a_strong_effect_in_all_subjects_is_found_in_most_of_the_population():
    bounds = _simulated(1.0, effect=0.9, simulations=100)
    assert np.mean(bounds > 0.5) == 1


def test_it_is_the_limit_of_second_level_permutations_that_are_drawn():
    rng = np.random.default_rng(3)
    observed = rng.binomial(40, 0.55, 4) / 40
    permuted = [rng.binomial(40, 0.5, n) / 40 for n in (30, 40, 50, 60)]
    drawn = np.stack(
        [rng.choice(np.append(null, score), 200_000) for score, null in zip(observed, permuted, strict=True)]
    )
    p = np.mean(drawn.min(axis=0) >= observed.min())
    found = prevalence(observed, permuted)
    assert found.p_global == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / 200_000))
    assert found.permutations == 30


def test_the_bound_is_the_largest_prevalence_whose_null_hypothesis_is_rejected():
    observed, permuted = np.full(6, 0.8), [np.linspace(0.3, 0.85, 200)] * 6
    found = prevalence(observed, permuted)
    root = found.p_global ** (1 / 6)
    assert ((1 - found.lower_bound) * root + found.lower_bound) ** 6 == pytest.approx(0.05)
    assert found.p_majority == pytest.approx(((1 + root) / 2) ** 6)
    assert found.lower_bound < found.largest
    assert f"at least {100 * found.lower_bound:.0f}%" in prevalence_sentence(found)


def test_without_permutations_or_with_one_subject_there_is_no_inference():
    with pytest.raises(InputError, match="at least 2 subjects, got 1"):
        prevalence(np.array([0.5]), [np.array([0.5])])
    with pytest.raises(InputError, match="permutations of 1"):
        prevalence(np.array([0.5, 0.6]), [np.array([0.5]), np.array([])])
