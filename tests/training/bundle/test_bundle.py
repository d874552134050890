"""A model file comes back as it was, and nothing in a bad one does harm."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from napari_fmri_decoder.decoders import get_decoder, registry
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.bundle import bundle as bundles
from napari_fmri_decoder.training.bundle.bundle import Bundle, file_hash, load_bundle, save_bundle, versions
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.events import FitDone
from napari_fmri_decoder.training.predict import predict_proba
from napari_fmri_decoder.training.refitting import refit

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples


def bundle_of(samples: Samples, **options: object) -> Bundle:
    settings = TrainingConfig(epochs=2, threads=1, device="cpu")
    *_, done = refit(get_decoder(options), samples, settings.resolved(get_decoder(options)))
    assert isinstance(done, FitDone)
    recipe = '[decoder]\nname = "é"\n'
    return Bundle(done.model, samples.space, samples.classes, recipe, versions(), {"bold.nii.gz": "ab12"})


@pytest.fixture
def saved(toy: Samples, tmp_path: Path) -> Path:
    return save_bundle(bundle_of(toy, name="mlp", hidden=8), tmp_path / "run" / "model.safetensors")


@pytest.mark.parametrize("name", sorted(registry))
def test_every_decoder_comes_back_and_predicts_the_same(name: str, toy: Samples, tmp_path: Path) -> None:
    bundle = bundle_of(toy, name=name)
    back = load_bundle(save_bundle(bundle, tmp_path / "model.safetensors"))
    assert back.model.decoder == bundle.model.decoder
    assert back.classes == ("cat", "dog", "owl")
    assert (back.recipe, back.versions, back.hashes) == (bundle.recipe, bundle.versions, bundle.hashes)
    assert back.space.grid.same_as(toy.space.grid, tolerance_mm=0)
    assert back.space.axis == toy.space.axis
    np.testing.assert_array_equal(back.space.mask, toy.space.mask)
    np.testing.assert_array_equal(
        predict_proba(back.model, toy.X, back.space), predict_proba(bundle.model, toy.X, toy.space)
    )
    assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]


def test_arrays_that_are_not_contiguous_come_back_right(toy: Samples, tmp_path: Path) -> None:
    bundle = bundle_of(toy, name="mlp", hidden=8)
    weight = bundle.model.state["dense1.weight"]
    bundle.model.state["dense1.weight"] = np.asfortranarray(weight)
    back = load_bundle(save_bundle(bundle, tmp_path / "model.safetensors"))
    np.testing.assert_array_equal(back.model.state["dense1.weight"], weight)


def test_a_damaged_file_is_refused(saved: Path) -> None:
    whole = saved.read_bytes()
    for damaged in (b"", whole[:5], whole[:200], whole[:-100], b"PK\x03\x04" + whole[4:], b"\xff" * 4000):
        saved.write_bytes(damaged)
        with pytest.raises(InputError, match=r"model\.safetensors is damaged, truncated or another kind"):
            load_bundle(saved)


def test_a_flipped_bit_is_detected(saved: Path) -> None:
    content = bytearray(saved.read_bytes())
    content[-20] ^= 4
    saved.write_bytes(content)
    with pytest.raises(InputError, match="digest differs"):
        load_bundle(saved)


def test_a_missing_file_and_an_unwritable_folder_are_errors(toy: Samples, saved: Path) -> None:
    with pytest.raises(InputError, match="found none at"):
        load_bundle(saved.with_name("other.safetensors"))
    with pytest.raises(InputError, match="cannot be"):
        save_bundle(load_bundle(saved), saved / "below_a_file" / "model.safetensors")


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    save_file({"weight": np.ones(3)}, tmp_path / "foreign.safetensors")
    with pytest.raises(InputError, match="of another program"):
        load_bundle(tmp_path / "foreign.safetensors")


def changed(path: Path, **values: object) -> Path:
    """Change the description of a bundle, leaving its numbers."""
    with safe_open(path, framework="numpy") as file:
        header = json.loads(file.metadata()["napari_fmri_decoder"]) | values
        arrays = {name: file.get_tensor(name) for name in file.keys()}
    save_file(arrays, path, metadata={"napari_fmri_decoder": json.dumps(header)})
    return path


def test_a_newer_format_asks_for_an_update(saved: Path) -> None:
    with pytest.raises(InputError, match=r"format 3.*Update napari-fmri-decoder"):
        load_bundle(changed(saved, format=3, decoder={"name": "mlp", "from_the_future": 1}))


def test_a_description_that_asks_for_another_network_is_refused(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = saved.read_bytes()
    with pytest.raises(InputError, match="digest differs"):
        load_bundle(changed(saved, decoder={"name": "mlp", "hidden": 8, "dropout": 0.5}))
    saved.write_bytes(whole)
    monkeypatch.setattr(
        "napari_fmri_decoder.training.bundle.bundle.digest_of", lambda header, arrays: header.digest
    )
    for values in (
        {"decoder": {"name": "mlp", "hidden": 10**9}},
        {"decoder": {"name": "cnn2d"}},
        {"classes": ["a", "b"]},
        {"input_shape": [5, 5]},
        {"axis": 7},
        {"code": "import os"},
    ):
        with pytest.raises(
            InputError, match=r"does not fit the decoder|description cannot be read|within their limits"
        ):
            load_bundle(changed(saved, **values))
        saved.write_bytes(whole)


def test_a_model_is_readable_for_whom_other_files_are(saved: Path) -> None:
    (saved.parent / "plain").touch()
    assert saved.stat().st_mode == (saved.parent / "plain").stat().st_mode


def test_an_older_model_stays_if_saving_fails(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, before = load_bundle(saved), saved.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("napari_fmri_decoder.training.bundle.bundle.save_file", full)
    with pytest.raises(InputError, match="No space left"):
        save_bundle(bundle, saved)
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == [saved.name]


def test_a_hash_is_that_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_hash(tmp_path / "abc") == known


def test_the_digest_of_a_large_array_takes_no_copy_of_it(toy: Samples, tmp_path: Path) -> None:
    arrays = {"large": np.arange(2**22, dtype=np.float64), "count": np.array(7), "none": np.zeros((0, 3))}
    arrays["turned"] = np.arange(6.0).reshape(2, 3).T
    path = save_bundle(bundle_of(toy, name="linear"), tmp_path / "model.safetensors")
    header = bundles.read_parts(path)[0]
    tracemalloc.start()
    try:
        found = bundles.digest_of(header, arrays)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**20, "the array has 32 MiB"
    said = header.model_copy(update={"digest": ""}).model_dump_json(exclude={"step", "networks"})
    expected = hashlib.sha256(said.encode())
    for name in ("count", "large", "none", "turned"):
        expected.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        expected.update(arrays[name].tobytes(order="C"))
    assert found == expected.hexdigest()
