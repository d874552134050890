"""Tests of maps: each against an independent computation, true methods pass, negative controls fail."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pytest
from planted import MLP, cross_validated, planted_samples, truth
from scipy import stats
from small_networks import network_model, space_of

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain import Explainer, Explanation, explainers, get_explainer
from napari_fmri_decoder.explain.evidence import class_maps
from napari_fmri_decoder.explain.proof.config import ProofConfig, Test
from napari_fmri_decoder.explain.proof.faithfulness import faithfulness, log_odds, shifted_copies
from napari_fmri_decoder.explain.proof.maps import Case, similarity, spread_over
from napari_fmri_decoder.explain.proof.prove import contrasts, prove
from napari_fmri_decoder.explain.proof.randomization import random_state, stages, with_random
from napari_fmri_decoder.explain.proof.result import Check, Proof
from napari_fmri_decoder.explain.proof.roar import accuracies, roar
from napari_fmri_decoder.explain.proof.stability import lower_bound
from napari_fmri_decoder.generators import run_to_end

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.events import FittedModel

LDA = {"name": "lda"}
TESTS: tuple[Test, ...] = (
    "model-randomization",
    "label-randomization",
    "faithfulness",
    "roar",
    "stability",
    "captum",
    "plausibility",
)


def only(*tests: Test) -> ProofConfig:
    return ProofConfig(leave_out=tuple(test for test in TESTS if test not in tests), volumes=8)


@cache
def folds_of(decoder: str, strength: float = 1.5) -> Any:
    return cross_validated(planted_samples(0, strength), LDA if decoder == "lda" else MLP)


def proof_of(method: dict[str, Any], decoder: str, config: ProofConfig) -> Proof:
    folds, options, training = folds_of(decoder)
    steps = prove(get_explainer(method), planted_samples(), folds, options, training, config)
    return run_to_end(steps)


def case_of(method: Explainer, config: ProofConfig | None = None) -> Case:
    folds, options, training = folds_of("lda")
    return Case(method, planted_samples(), folds, options, training, config or ProofConfig(volumes=8))


class Spy(Explainer):
    """Shows a given map, and keeps the samples that it was given."""

    summary: ClassVar[str] = "Only for this test"
    per_sample: ClassVar[bool] = False
    values: ClassVar[NDArray[np.float32]] = np.zeros(0, np.float32)
    seen: ClassVar[list[Any]] = []
    name: Literal["spy"] = "spy"

    def explain(self, model: FittedModel, X: NDArray[np.float32], space: Space) -> Explanation:
        self.seen.append(X)
        values = np.broadcast_to(self.values, (1, model.n_classes, space.n_features))
        return class_maps(values, model, space, "")


del explainers["spy"]


@pytest.fixture
def planted_map(monkeypatch: pytest.MonkeyPatch) -> Spy:
    """The true region, positive for the class that is higher there, and negative for the other."""
    signed = (truth() * np.where(np.arange(4) < 2, 1, -1)).astype(np.float32).ravel()
    monkeypatch.setattr(Spy, "values", np.stack([-signed, signed]))
    monkeypatch.setattr(Spy, "seen", [])
    return Spy()


@pytest.mark.parametrize(
    ("name", "decoder"),
    [
        ("gradient-x-input", "mlp"),
        ("integrated-gradients", "mlp"),
        ("input-regression", "lda"),
    ],
)
def test_evidence_of_a_trained_model_passes(decoder: str, name: str) -> None:
    proof = proof_of({"name": name}, decoder, only("model-randomization", "faithfulness"))
    assert proof.passed, proof.table()
    assert "label-randomization, roar, stability, captum, plausibility" in proof.line


@pytest.mark.parametrize("decoder", ["lda", "mlp"])
@pytest.mark.parametrize("name", ["mean-input", "edges", "random"])
def test_negative_controls_fail(decoder: str, name: str) -> None:
    proof = proof_of({"name": name}, decoder, only("model-randomization"))
    assert not proof.passed
    assert proof.checks[0].value == pytest.approx(1)
    assert f"The map of {name} failed: model-randomization (1, required <= 0.5)" in proof.line


def test_similarity_is_the_mean_of_rank_correlations_with_signs() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 3, 50))
    expected = np.mean([stats.spearmanr(a, b).statistic for a, b in zip(one, other, strict=True)])
    assert similarity(one, other) == pytest.approx(expected)
    assert similarity(one, -one) == pytest.approx(-1)
    assert similarity(one, np.ones_like(one)) == 0


def test_random_layers_are_new_and_the_others_are_kept() -> None:
    model = network_model("cnn2d", space_of())
    assert list(stages(model)) == ["conv1", "conv2", "dense1", "out"]
    assert "norm1.running_mean" in stages(model)["conv1"]
    state = random_state(model, 7)
    mixed = with_random(model, state, ["conv2", "out"])
    for key, value in mixed.state.items():
        of_model = key.split(".")[0] not in ("conv2", "norm2", "out")
        np.testing.assert_array_equal(value, model.state[key] if of_model else state[key])
    assert not np.array_equal(state["conv1.weight"], model.state["conv1.weight"])
    # statistics of batch normalization are reset too
    assert (state["norm1.running_mean"] == 0).all()
    assert (state["norm1.running_var"] == 1).all()
    np.testing.assert_array_equal(random_state(model, 7)["out.weight"], state["out.weight"])
    assert not np.array_equal(random_state(model, 8)["out.weight"], state["out.weight"])


def test_layers_are_randomized_from_the_top_and_each_alone() -> None:
    proof = proof_of({"name": "gradient"}, "mlp", only("model-randomization"))
    assert [s.layers for s in proof.similarities] == ["out to out", "all", "dense1 alone", "out alone"]
    assert all(s.lowest <= s.mean <= s.highest for s in proof.similarities)


def test_shifted_copies_move_around_the_slab() -> None:
    space, rng = space_of((5, 6, 4), masked=False), np.random.default_rng(0)
    values = rng.normal(size=space.n_features)
    (copy,) = shifted_copies(values, space, np.array([[1, 2, 3]]))
    np.testing.assert_array_equal(
        copy.reshape(5, 6, 4), np.roll(values.reshape(5, 6, 4), (1, 2, 3), (0, 1, 2))
    )
    masked = space_of((5, 6, 4))
    copies = shifted_copies(rng.uniform(1, 2, masked.n_features), masked, np.array([[1, 0, 0], [0, 2, 1]]))
    assert copies.shape == (2, masked.n_features)
    assert copies.min() >= 1  # values outside the mask are those of the nearest voxel, not 0


def test_log_odds_are_those_of_the_probabilities() -> None:
    logits = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(log_odds(logits, 1), np.log(p[:, 1] / (1 - p[:, 1])), rtol=1e-5)


def test_the_true_region_is_faithful_and_all_but_the_region_is_not(
    planted_map: Spy, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = run_to_end(faithfulness(case_of(planted_map)))
    assert check.passed
    assert check.value is not None
    assert 1 / 201 <= check.value < 0.02
    monkeypatch.setattr(Spy, "values", -np.abs(Spy.values))
    check = run_to_end(faithfulness(case_of(planted_map)))
    assert check.passed is False
    assert check.value is not None
    assert check.value > 0.9


def test_removing_the_true_region_costs_accuracy_and_ranks_come_from_training_sets(planted_map: Spy) -> None:
    case = case_of(planted_map)
    found = run_to_end(accuracies(case))
    accuracy = {name: values.mean(axis=0) for name, values in found.items()}
    assert accuracy["all"][0] > 0.8
    assert accuracy["method"][1] < accuracy["all"][0] - 0.15  # without the first 5%
    assert accuracy["random"][1] > accuracy["all"][0] - 0.1
    assert accuracy["reversed"][4] > accuracy["method"][4]
    assert len(Spy.seen) == len(case.folds)
    for fold, X in zip(case.folds, Spy.seen, strict=True):
        test = case.samples.X[fold.split.test]
        assert not (X[:, None] == test[None]).all(axis=2).any()
        assert (X[:, None] == case.samples.X[fold.split.train][None]).all(axis=2).any(axis=1).all()
    assert run_to_end(roar(case)).passed


def test_without_an_effect_removing_and_retraining_finds_none() -> None:
    samples, config = planted_samples(0, 0.0), ProofConfig(volumes=8)
    folds, options, training = folds_of("lda", 0.0)
    method = get_explainer({"name": "input-regression"})
    check = run_to_end(roar(Case(method, samples, folds, options, training, config)))
    assert check.passed is False, check.detail


def test_lower_bounds_are_those_of_scipy() -> None:
    values = np.random.default_rng(3).normal(1, 1, 12)
    ours = lower_bound(lambda rows: float(values[rows].mean()), 12, 0)
    scipys = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=9999, rng=0)
    assert ours == pytest.approx(scipys.confidence_interval.low, abs=0.05)


def test_contrasts_are_t_values_and_never_decide() -> None:
    samples = planted_samples()
    t = contrasts(samples)
    X, y = samples.X.astype(float), samples.y
    np.testing.assert_allclose(t[1], stats.ttest_ind(X[y == 1], X[y == 0]).statistic, rtol=1e-10)
    np.testing.assert_allclose(t[0], -t[1], rtol=1e-10)
    proof = proof_of({"name": "gradient"}, "lda", only("plausibility", "captum"))
    assert [c.passed for c in proof.checks[:3]] == [None, None, None]
    assert all(np.isfinite(c.value or 0) for c in proof.checks)
    assert not proof.passed  # no deciding test was made


def test_rows_are_spread_over_classes() -> None:
    rows, y = np.arange(10, 30), np.repeat([0, 1], 10)
    chosen = spread_over(rows, y, 6)
    assert chosen.tolist() == [10, 14, 19, 20, 24, 29]
    assert spread_over(rows, y, 100).tolist() == rows.tolist()


def test_the_result_has_one_line_a_table_and_a_dictionary() -> None:
    checks = (
        Check("faithfulness", False, 0.21, "< 0.05", "p"),
        Check("stability", True, 0.4, "> 0", "lower bound"),
        Check("roar", None, None, "", "left out"),
    )
    proof = Proof("gradient", checks)
    assert proof.line == "The map of gradient failed: faithfulness (0.21, required < 0.05); not tested: roar."
    assert proof.table().splitlines()[1].split()[:3] == ["faithfulness", "failed", "0.21"]
    assert proof.to_dict()["Checks"][2]["outcome"] == "not tested"
    assert Proof("gradient", checks[1:]).passed
    assert "passed: stability; not tested: roar." in Proof("gradient", checks[1:]).line


def test_maps_that_cannot_be_tested_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    folds, options, training = folds_of("lda")
    monkeypatch.setattr(Spy, "values", np.ones(1, np.float32))
    with pytest.raises(InputError, match="that of spy is constant"):
        run_to_end(prove(Spy(), planted_samples(), folds, options, training))
    with pytest.raises(InputError, match="model that held samples out, found none"):
        run_to_end(prove(Spy(), planted_samples(), (), options, training))
