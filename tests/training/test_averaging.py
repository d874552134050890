"""Networks of several seeds vote as one model, in predictions, files and permutations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import ValidationError

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.label_permutation import permuted
from napari_fmri_decoder.evaluation.permutation_scores import is_batched, permuted_scores
from napari_fmri_decoder.generators import run_to_end
from napari_fmri_decoder.training.averaging import averaged_folds, vote
from napari_fmri_decoder.training.bundle.bundle import Bundle, load_bundle, save_bundle
from napari_fmri_decoder.training.bundle.onnx import export_onnx
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FitDone, FoldDone, FoldResult
from napari_fmri_decoder.training.fit import fit
from napari_fmri_decoder.training.predict import predict_proba

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.training.config import ResolvedTraining
    from napari_fmri_decoder.training.events import FittedModel

MLP = {"name": "mlp", "hidden": 6}


def config(seed: int = 3, **values: Any) -> ResolvedTraining:
    settings = {"epochs": 4, "threads": 1, "device": "cpu", "seeds": 3, "average": True, "seed": seed}
    return TrainingConfig.model_validate(settings | values).resolved(get_decoder(MLP))


def models(samples: Samples, **values: Any) -> list[FittedModel]:
    """Three networks, each with voxels and a size of its own."""
    found = []
    for seed, hidden in enumerate((5, 6, 7)):
        settings = config(screening=30 + seed, **values)
        decoder = get_decoder(MLP | {"hidden": hidden})
        *_, done = fit(decoder, samples.X, samples.y, 3, samples.space, settings, seed=seed)
        assert isinstance(done, FitDone)
        found.append(done.model)
    return found


def folds(samples: Samples, splits, permutation: int = 0, **values: Any) -> list[FoldResult]:
    events = cross_validate(get_decoder(MLP), samples, splits, config(**values), permutation=permutation)
    return [event.result for event in events if isinstance(event, FoldDone)]


@pytest.mark.parametrize("whiten", [False, True])
def test_the_model_and_its_file_give_the_mean_of_the_probabilities(
    whiten: bool, toy: Samples, tmp_path
) -> None:
    networks = models(toy, whiten=whiten)
    expected = np.mean([predict_proba(one, toy.X, toy.space).astype(float) for one in networks], axis=0)
    model = vote(networks)
    np.testing.assert_allclose(predict_proba(model, toy.X, toy.space), expected, atol=1e-7)
    back = load_bundle(save_bundle(Bundle(model, toy.space, toy.classes), tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(
        predict_proba(back.model, toy.X, back.space), predict_proba(model, toy.X, toy.space)
    )
    assert [one.decoder.hidden for one in (back.model, *back.model.others)] == [5, 6, 7]


def test_onnxruntime_predicts_the_same(toy: Samples, tmp_path) -> None:
    for name in ("onnx", "onnxscript"):
        pytest.importorskip(name, reason="the packages of the extra `onnx` are not installed")
    runtime = pytest.importorskip("onnxruntime", reason="as above")
    model = vote(models(toy, whiten=True))
    done = export_onnx(Bundle(model, toy.space, toy.classes), tmp_path / "m.onnx")
    session = runtime.InferenceSession(done.path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"voxels": toy.X})
    np.testing.assert_allclose(found, predict_proba(model, toy.X, toy.space), rtol=0, atol=1e-4)


def test_a_file_that_lacks_a_network_is_refused(toy: Samples, tmp_path) -> None:
    from safetensors import safe_open
    from safetensors.numpy import save_file

    path = save_bundle(Bundle(vote(models(toy)), toy.space, toy.classes), tmp_path / "m.safetensors")
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
        arrays = {n: file.get_tensor(n) for n in file.keys() if not n.startswith("network3.")}
    save_file(arrays, path, metadata=metadata)
    with pytest.raises(InputError, match=r"scaler\.mean is missing"):
        load_bundle(path)


def test_folds_are_scored_by_the_mean_of_the_probabilities(toy: Samples, thirds) -> None:
    by_seed = [folds(toy, thirds, seed=seed) for seed in (3, 4, 5)]
    for i, (result, split) in enumerate(zip(averaged_folds(by_seed, toy.y), thirds, strict=True)):
        expected = np.mean([results[i].probabilities for results in by_seed], axis=0)
        np.testing.assert_allclose(result.probabilities, expected, atol=1e-7)
        assert result.test.accuracy == np.mean(expected.argmax(axis=1) == toy.y[split.test])
        assert result.test.loss == pytest.approx(
            -np.log(expected[np.arange(len(split.test)), toy.y[split.test]]).mean()
        )
        found = predict_proba(result.model, toy.X[split.test], toy.space)
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_networks_vote_in_each_permutation(optimizer: str, toy: Samples, thirds) -> None:
    settings = config(optimizer=optimizer)
    assert is_batched(get_decoder(MLP), toy, thirds, settings) == (optimizer == "sgd")
    found = run_to_end(permuted_scores(get_decoder(MLP), toy, thirds, settings, [1, 2]))
    for number, score in zip((1, 2), found, strict=True):
        relabeled = permuted(toy, settings.seed, number)
        by_seed = [folds(relabeled, thirds, number, seed=s, optimizer=optimizer) for s in (3, 4, 5)]
        averaged = averaged_folds(by_seed, relabeled.y)
        assert score == pytest.approx(np.mean([result.test.accuracy for result in averaged]))


def test_one_network_cannot_vote() -> None:
    with pytest.raises(ValidationError, match="average = true needs several networks; set seeds to 2"):
        TrainingConfig(average=True)
