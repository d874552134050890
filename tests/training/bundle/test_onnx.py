"""An exported model answers in onnxruntime as it does here, and its file says what goes in and comes out."""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from test_bundle import bundle_of

from napari_fmri_decoder.decoders import get_decoder, registry
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.bundle import onnx
from napari_fmri_decoder.training.bundle.onnx import export_onnx
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.events import FitDone
from napari_fmri_decoder.training.predict import predict_proba
from napari_fmri_decoder.training.refitting import refit

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.training.bundle.bundle import Bundle

REASON = "the packages of the extra `onnx` are not installed"


@pytest.fixture(scope="module")
def runtime() -> Any:
    for name in ("onnx", "onnxscript"):
        pytest.importorskip(name, reason=REASON)
    return pytest.importorskip("onnxruntime", reason=REASON)


def screened(samples: Samples, name: str) -> Bundle:
    bundle = bundle_of(samples, name=name)
    settings = TrainingConfig(epochs=2, threads=1, device="cpu", screening=60)
    *_, done = refit(get_decoder({"name": name}), samples, settings.resolved(get_decoder({"name": name})))
    assert isinstance(done, FitDone)
    return replace(bundle, model=done.model)


@pytest.mark.parametrize(
    ("name", "screening"),
    [(name, False) for name in sorted(registry)] + [("linear", True), ("mlp", True), ("cnn2d", True)],
)
def test_onnxruntime_answers_as_the_model_does(
    name: str, screening: bool, toy: Samples, tmp_path: Path, runtime: Any
) -> None:
    bundle = screened(toy, name) if screening else bundle_of(toy, name=name)
    assert (bundle.model.screened is not None) == screening
    done = export_onnx(bundle, tmp_path / "new" / "model.onnx")
    session = runtime.InferenceSession(done.path, providers=["CPUExecutionProvider"])
    for X in (toy.X, toy.X[:1], toy.X[:7]):  # one file for any number of samples
        (found,) = session.run(None, {"voxels": X})
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, predict_proba(bundle.model, X, toy.space), rtol=0, atol=1e-4)
    assert done.difference < 1e-4
    assert [p.name for p in done.path.parent.iterdir()] == ["model.onnx"]


def test_the_file_describes_its_input_voxels_and_output_classes(
    toy: Samples, tmp_path: Path, runtime: Any
) -> None:
    import onnx

    bundle = bundle_of(toy, name="cnn2d", filters=[4], dense=[8])
    path = export_onnx(bundle, tmp_path / "model.onnx").path
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    said = session.get_modelmeta().custom_metadata_map
    assert said["format"] == "1"
    assert json.loads(said["classes"]) == ["cat", "dog", "owl"]
    assert json.loads(said["grid_affine"]) == toy.space.grid.affine.tolist()
    shape = json.loads(said["grid_shape"])
    bits = np.unpackbits(np.frombuffer(base64.b64decode(said["mask"]), np.uint8), count=np.prod(shape))
    np.testing.assert_array_equal(bits.reshape(shape), toy.space.mask)
    assert json.loads(said["decoder"])["filters"] == [4]
    assert said["recipe"] == bundle.recipe
    assert "torch" in json.loads(said["versions"])
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    assert (taken.name, taken.shape, given.name, given.shape) == (
        *("voxels", ["n", toy.space.n_features]),
        *("probabilities", ["n", 3]),
    )
    assert str(Path(onnx.__file__).parent).encode() not in path.read_bytes()


def test_a_graph_that_answers_otherwise_is_not_written(
    toy: Samples, tmp_path: Path, runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "model.onnx"
    target.write_bytes(b"older")
    one, other = (bundle_of(toy, name="linear", C=c) for c in (0.001, 1.0))
    graph = onnx.onnx_graph(one)
    monkeypatch.setattr(onnx, "onnx_graph", lambda bundle: graph)
    with pytest.raises(InputError, match=r"must agree with the model to 0\.0001, but differ by 0\.\d+"):
        export_onnx(other, target)
    assert target.read_bytes() == b"older"
    with pytest.raises(InputError, match="cannot be written"):
        export_onnx(one, target / "below_a_file.onnx")


def test_the_error_names_missing_packages_and_the_command_to_install_them(
    toy: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(InputError, match=r"onnxscript cannot.*pip install \"napari-fmri-decoder\[onnx\]\""):
        export_onnx(bundle_of(toy, name="linear"), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_model_too_large_for_one_file_is_refused(
    toy: Samples, tmp_path: Path, runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx, "LARGEST", 100)
    with pytest.raises(InputError, match="less than 2 GiB"):
        export_onnx(bundle_of(toy, name="linear"), tmp_path / "model.onnx")
