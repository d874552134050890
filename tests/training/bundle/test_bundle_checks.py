"""Whatever is done to a model file: it is read as it was, or refused by one error, soon, in little memory."""

from __future__ import annotations

import json
import pickle
import random
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save, save_file

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.bundle import bundle as bundles
from napari_fmri_decoder.training.bundle.bundle import Bundle, load_bundle
from napari_fmri_decoder.training.predict import predict_proba

DATA = Path(__file__).parents[2] / "data"
KEY = "napari_fmri_decoder"
CALLS = 30
"""How many times the calls of reading a whole model a file may cost at most, whatever it claims."""
MEMORY = 2**28
"""Bytes more than the process has before."""


@contextmanager
def little_memory() -> Iterator[None]:
    """Let nothing take more than `MEMORY` in addition, where the system can hold a process to that."""
    if not sys.platform.startswith("linux"):
        yield
        return
    import resource

    # Not of the address space: mapping a large file takes no memory until it is read.
    now = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (now + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def counted(read: Callable[[], Any]) -> tuple[Any, int]:
    """What `read` gives, and how many functions it calls: its work on any machine, however busy."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        return read(), calls
    finally:
        sys.setprofile(before)


@cache
def usual() -> int:
    """Calls that reading the largest whole model takes."""
    paths = sorted(DATA.glob("format1-*.safetensors"))
    for path in paths:
        load_bundle(path)  # what is imported on first use is not counted
    return max(counted(partial(load_bundle, path))[1] for path in paths)


def outcome(path: Path) -> Bundle | str:
    """What loading gives: a bundle, or the message of its error; another error fails the test."""
    most = CALLS * usual()

    def read() -> Bundle | str:
        try:
            with little_memory():
                return load_bundle(path)
        except InputError as error:
            return str(error)

    found, calls = counted(read)
    assert calls < most
    if isinstance(found, str):
        assert len(found) < 1000
        assert "memory" not in found
    return found


def same(a: Bundle, b: Bundle) -> bool:
    return (
        (a.model.decoder, a.classes, a.recipe, a.versions, a.hashes, a.space.axis)
        == (b.model.decoder, b.classes, b.recipe, b.versions, b.hashes, b.space.axis)
        and np.array_equal(a.space.mask, b.space.mask)
        and np.array_equal(a.space.grid.affine, b.space.grid.affine)
        and np.array_equal(a.model.scaler.mean, b.model.scaler.mean)
        and np.array_equal(a.model.scaler.std, b.model.scaler.std)
        and a.model.state.keys() == b.model.state.keys()
        and all(np.array_equal(value, b.model.state[name]) for name, value in a.model.state.items())
    )


def damaged(whole: bytes, draw: random.Random) -> bytes:
    """Change bytes: one or many, anywhere or in the header, or move, drop and add some."""
    header = 8 + int.from_bytes(whole[:8], "little")
    at, n = draw.randrange(draw.choice((8, header, len(whole)))), draw.choice((1, 2, 8, 100))
    other = draw.randrange(len(whole))
    kinds: list[Callable[[], bytes]] = [
        lambda: whole[:at] + bytes([whole[at] ^ (1 << draw.randrange(8))]) + whole[at + 1 :],
        lambda: whole[:at] + draw.randbytes(n) + whole[at + n :],
        lambda: whole[:at] + whole[at + n :],
        lambda: whole[:at] + draw.randbytes(n) + whole[at:],
        lambda: whole[:at] + whole[other : other + n] + whole[at + n :],
        lambda: whole[:at],
        lambda: whole + draw.randbytes(n),
        lambda: (
            draw.choice((0, 2**40, 2**60, 2**63, 2**64 - 1, header - 1)).to_bytes(8, "little") + whole[8:]
        ),
    ]
    return draw.choice(kinds)()


def restated(whole: bytes, draw: random.Random) -> bytes:
    """Change what the header of the file says about an array: its type, shape, or place."""
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])
    entry = header[draw.choice([name for name in header if name != "__metadata__"])]
    huge = [2**60, 2**31, 2**63 - 1, 2**64, -1, 0, 1e300, None, "x", []]
    what = draw.choice(("dtype", "shape", "data_offsets"))
    if what == "dtype":
        entry["dtype"] = draw.choice(["F64", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "O", "object", 1])
    elif what == "shape" and draw.random() < 0.5:
        entry["shape"] = draw.choice([[2**60], [2**31, 2**31, 4], [2**40, 0], [0, 2**62], [1] * 1000, [], {}])
    else:
        entry[what] = [draw.choice(huge) if draw.random() < 0.7 else value for value in entry[what]]
    said = json.dumps(header).encode()
    return len(said).to_bytes(8, "little") + said + whole[8 + size :]


def described(whole: Path, draw: random.Random) -> bytes:
    """Change the description or the arrays, as one would who knows how to sign them."""
    with safe_open(whole, framework="numpy") as file:
        header = json.loads(file.metadata()[KEY])
        arrays = {name: file.get_tensor(name) for name in file.keys()}
    deep: Any = []
    for _ in range(300):
        deep = [deep]
    values = [
        float("nan"),
        float("inf"),
        -1,
        0,
        10**9,
        2**60,
        10**30,
        "x",
        None,
        [],
        {},
        True,
        deep,
        "x" * 10**6,
    ]
    if draw.random() < 0.6:
        place = header
        if draw.random() < 0.5:
            place = header["decoder"]
        name = draw.choice([*place, "more"])
        value = draw.choice([*values, *([v] * 9 for v in values), [8] * 2000, [2**31] * 3])
        if draw.random() < 0.1:
            place.pop(name, None)
        else:
            place[name] = value
    else:
        name = draw.choice(list(arrays))
        array = arrays[name]
        kinds: list[Callable[[], Any]] = [
            lambda: array.astype(draw.choice(["f2", "f4", "f8", "i8", "u1", "?"])),
            lambda: (
                array * np.array(np.nan, dtype=array.dtype) if array.dtype.kind == "f" else array.ravel()[:0]
            ),
            lambda: np.zeros((2, *array.shape), dtype=array.dtype),
            lambda: array.ravel()[:-1].copy(),
            lambda: np.zeros_like(array),
            lambda: array.T.copy(),
        ]
        made = draw.choice(kinds)()
        if draw.random() < 0.2:
            name = draw.choice(["chosen", "weights.more.weight", "more", "out.weight", "x" * 1000])
        arrays[name] = made
        if draw.random() < 0.2:
            del arrays[name]
    return save(arrays, metadata={KEY: json.dumps(header)})


@pytest.mark.parametrize("kind", [damaged, restated], ids=["bytes", "header"])
def test_a_changed_file_is_as_it_was_or_refused(kind: Callable[..., bytes], tmp_path: Path) -> None:
    path, refused, n = tmp_path / "model.safetensors", 0, 150
    for seed in range(n):
        whole = DATA / f"format1-{('mlp', 'cnn2d')[seed % 2]}.safetensors"
        path.write_bytes(kind(whole.read_bytes(), random.Random(seed)))
        found = outcome(path)
        refused += isinstance(found, str)
        assert isinstance(found, str) or same(found, load_bundle(whole)), seed
    assert n // 2 < refused <= n


def test_a_hostile_file_that_is_signed_is_usable_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "digest_of", lambda header, arrays: header.digest)
    path, said = tmp_path / "model.safetensors", []
    for seed in range(200):
        name = ("mlp", "cnn2d", "cnn3d", "linear")[seed % 4]
        path.write_bytes(described(DATA / f"format1-{name}.safetensors", random.Random(seed)))
        found = outcome(path)
        if isinstance(found, str):
            said.append(found)
            continue
        X = np.ones((2, found.space.n_features), dtype=np.float32)
        probabilities = predict_proba(found.model, X, found.space)
        assert probabilities.shape == (2, len(found.classes)), seed
        assert np.isfinite(probabilities).all(), seed
    assert 100 < len(said) < 200
    assert any("does not fit the decoder" in message for message in said)
    assert any("options within" in message for message in said)
    assert any("description cannot be read" in message for message in said)


class _Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return (sys.exit, ("run!",))


def test_nothing_of_a_file_of_another_kind_is_run(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(_Trap()))
    assert "is damaged" in str(outcome(path))
    torch.save({"weight": torch.ones(2), "trap": _Trap()}, path)
    assert "is damaged" in str(outcome(path))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("archive/data.pkl", bytes(2**24))
    assert "is damaged" in str(outcome(path))
    np.save(path.with_suffix(".npy"), np.array([_Trap()], dtype=object), allow_pickle=True)
    path.with_suffix(".npy").replace(path)
    assert "is damaged" in str(outcome(path))


def test_files_that_claim_much_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:  # takes no room on the disk
        file.write(np.uint64(2**60).tobytes())
        file.truncate(2**34)
    assert "at most 8 GiB" in str(outcome(path))
    with safe_open(DATA / "format1-mlp.safetensors", framework="numpy") as real:
        said = json.loads(real.metadata()[KEY])
        arrays = {name: real.get_tensor(name) for name in real.keys()}
    header: dict[str, Any] = {"__metadata__": {KEY: json.dumps(said)}}
    end = 0
    for name, array in arrays.items():  # the same names and types, and a hidden layer of 6 GiB
        shape = [2**26, 24] if name == "weights.dense1.weight" else list(array.shape)
        size = int(np.prod(shape)) * array.itemsize
        header[name] = {
            "dtype": {"f4": "F32", "f8": "F64", "u1": "U8"}[array.dtype.str[1:]],
            "shape": shape,
            "data_offsets": [end, end + size],
        }
        end += size
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
    assert "weights.dense1.weight must be" in str(outcome(path))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no limit is set there")
def test_the_limit_is_one() -> None:
    with pytest.raises(MemoryError), little_memory():
        np.ones(2 * MEMORY, dtype=np.uint8)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            {"format": 3, "decoder": 7, "from_the_future": [1]},
            r"up to format 2, but model\.safetensors has format 3",
        ),
        ({"format": 0}, "description cannot be read"),
        ({"decoder": {"name": "transformer"}}, r"of this version.*'transformer'"),
        ({"decoder": {"name": "mlp", "hidden": 3, "dropout": 7}}, r"within their limits: .*dropout"),
        ({"classes": ["one"]}, "description cannot be read"),
    ],
)
def test_content_unknown_to_this_version_is_refused(
    change: dict[str, Any], match: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    with safe_open(DATA / "format1-mlp.safetensors", framework="numpy") as file:
        said = json.loads(file.metadata()[KEY]) | change
        arrays = {name: file.get_tensor(name) for name in file.keys()}
    save_file(arrays, path, metadata={KEY: json.dumps(said)})
    with pytest.raises(InputError, match=match):
        load_bundle(path)


def test_a_deeply_nested_recipe_is_refused() -> None:
    from napari_fmri_decoder.recipe import parse_recipe

    with pytest.raises(InputError, match="nest"):
        parse_recipe("a = " + "[" * 100_000, "the model's recipe")


def test_a_negative_variance_and_a_class_named_twice_are_refused_though_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "digest_of", lambda header, arrays: header.digest)
    path = tmp_path / "model.safetensors"
    with safe_open(DATA / "format1-cnn2d.safetensors", framework="numpy") as file:
        said = json.loads(file.metadata()[KEY])
        arrays = {name: file.get_tensor(name) for name in file.keys()}
    variances = [name for name in arrays if name.endswith("running_var")]
    assert variances
    for name in variances:
        spoilt = arrays[name].copy()
        spoilt[-1] = -spoilt[-1]
        save_file(arrays | {name: spoilt}, path, metadata={KEY: json.dumps(said)})
        assert f"{name} contains a negative variance" in str(outcome(path))
    twice = [said["classes"][0]] * len(said["classes"])
    save_file(arrays, path, metadata={KEY: json.dumps(said | {"classes": twice})})
    assert f"two classes with the same name in {', '.join(twice)}" in str(outcome(path))
