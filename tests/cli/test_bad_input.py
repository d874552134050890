"""Bad input on the command line gives exactly one message and status 2, and nothing else.

Mutated recipes, tables and options (`tools/bad_input.py`) go through the command's own entry point; what is
right ends before training. FMRI_DECODER_EXAMPLES sets how many of each are tried, at random above the usual.
"""

from __future__ import annotations

import importlib
import io
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import typer.main
from hypothesis import HealthCheck, Phase, given, settings

from napari_fmri_decoder.cli import app, main
from napari_fmri_decoder.pipeline import Stage
from napari_fmri_decoder.pipeline.preparing import prepare_steps

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
bad_input = importlib.import_module("bad_input")
sys.path.pop(0)

EXAMPLES = int(os.environ.get("FMRI_DECODER_EXAMPLES", "500"))
MANY = settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES == 500,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
RECIPE = bad_input.written(bad_input.RECIPE)


@dataclass(frozen=True)
class Output:
    status: Any
    out: str
    err: str

    @property
    def messages(self) -> list[str]:
        return [line for line in self.err.replace("\r", "\n").splitlines() if line.strip()]


class AcceptedError(Exception):
    """The input was right: here training would begin."""


def _prepared_only(recipe: Any, base: Path, out: Path, *_: Any, **__: Any) -> Iterator[Any]:
    yield Stage("Reading and preparing")
    yield from prepare_steps(recipe, base)
    raise AcceptedError


def typed(*words: object) -> Output:
    """Run the command in this process."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["fmri-decoder", *map(str, words)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as stop:
        status: Any = stop.code or 0
    except AcceptedError:
        status = "accepted"
    finally:
        sys.argv = before
    return Output(status, out.getvalue(), err.getvalue())


def check(printed: Output, *, rows: bool = False) -> None:
    """Hold a command against the rule; `rows`: it may print rows and end with 2."""
    if printed.status in (0, "accepted") or (rows and printed.status == 2 and printed.out):
        return
    assert printed.status == 2
    assert len(printed.messages) == 1, printed.err
    assert printed.out == "" or "Usage" in printed.out
    assert printed.messages[0].startswith("fmri-decoder: ")
    assert "Traceback" not in printed.err
    assert len(printed.messages[0]) < 1500
    assert printed.messages[0].isprintable()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Images of 2 x 2 x 2 voxels, a table, a pipe, and no training."""
    place = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(0)
    image = nib.Nifti1Image(rng.normal(100, 10, (2, 2, 2, 16)).astype(np.float32), np.diag([3, 3, 3, 1]))
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = 2
    nib.save(image, place / "bold.nii")
    (place / "v.tsv").write_text(bad_input.TABLE)
    (place / "recipe.toml").write_text(RECIPE)
    (place / "folder").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(place / "pipe.nii")
        os.mkfifo(place / "pipe.tsv")
    here = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("napari_fmri_decoder.pipeline.run", _prepared_only)
        patch.setattr("napari_fmri_decoder.pipeline.subjects.run", _prepared_only)
        # typer builds all commands at each call, which takes longer than most of what is tried here
        patch.setattr(sys.modules[main.__module__], "app", typer.main.get_command(app))
        patch.chdir(place)
        yield place
    os.chdir(here)


def test_the_unmutated_recipe_is_valid(folder: Path) -> None:
    printed = typed("train", folder / "recipe.toml", "--out", folder / "run")
    assert printed.status == "accepted", printed.err
    assert printed.messages == []


def test_mutated_recipes(folder: Path) -> None:
    counts = {"accepted": 0, "refused": 0}

    @MANY
    @given(bad_input.recipes())
    def each(text: bytes) -> None:
        (folder / "mutated.toml").write_bytes(text)
        printed = typed("train", folder / "mutated.toml", "--out", folder / "run")
        counts["accepted" if printed.status == "accepted" else "refused"] += 1
        check(printed)

    each()
    assert counts["refused"] > EXAMPLES / 4
    assert counts["accepted"] > EXAMPLES / 50


def test_mutated_tables(folder: Path) -> None:
    (folder / "of_table.toml").write_text(RECIPE.replace("v.tsv", "mutated.tsv"))

    @MANY
    @given(bad_input.tables())
    def each(text: bytes) -> None:
        (folder / "mutated.tsv").write_bytes(text)
        check(typed("train", folder / "of_table.toml", "--out", folder / "run"))

    each()


def test_mutated_options(folder: Path) -> None:
    kept = set(folder.iterdir())

    @MANY
    @given(bad_input.commands())
    def each(words: list[str]) -> None:
        check(typed(*words), rows=words[:1] == ["info"])
        for new in set(folder.iterdir()) - kept:
            shutil.rmtree(new) if new.is_dir() else new.unlink()

    each()


DATA = '[data]\nimages = "bold.nii"\n'
LABELS = '[labels]\nsource = "table"\ntable = "v.tsv"\n'
DECODER = '[decoder]\nname = "mlp"\n'
ALL = DATA + LABELS + DECODER


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('labels = "v.tsv"\n' + DATA + DECODER, "labels"),
        (DATA + DECODER + '[[labels]]\nsource = "table"\n', "labels"),
        ("labels = 3\n" + DATA + DECODER, "labels"),
        (DATA + "mask = 1\n" + LABELS + DECODER, "mask"),
        (DATA + "mask = true\n" + LABELS + DECODER, "mask"),
        (DATA + 'mask = ["a.nii", "b.nii"]\n' + LABELS + DECODER, "mask"),
        (DATA + 'mask = {strategy = "combine", masks = [1]}\n' + LABELS + DECODER, "mask"),
        ('decoder = "mlp"\n' + DATA + LABELS, "decoder"),
        (DATA + LABELS + '[[decoder]]\nname = "mlp"\n', "decoder"),
        ('data = "bold.nii"\n' + LABELS + DECODER, "data"),
        ("data = [1]\n" + LABELS + DECODER, "data"),
        ('split = "leave-one-run-out"\n' + ALL, "split"),
        (ALL + '[compare]\ndecoder = "mlp"\n', "compare"),
        (ALL + '[training]\nselect = ["hidden"]\n', "select"),
        (ALL + "hidden = 1000000000000000000\n", "hidden"),
        (ALL + "hidden = 0x" + "f" * 5000 + "\n", "hidden"),
        (ALL + "[training]\nthreads = 2147483648\n", "threads"),
        (ALL + "[training]\nepochs = true\n", "epochs"),
        (ALL + '[training]\nepochs = "3"\n', "epochs"),
        (ALL + "[training]\nepochs = 2.5\n", "epochs"),
        (ALL + "[training]\nseed = 1979-05-27\n", "seed"),
        (ALL + "[training]\nkeep_best = 1\n", "keep_best"),
        (ALL + '[prepare]\ndetrend = "yes"\n', "detrend"),
        (DATA + "tr = inf\n" + LABELS + DECODER, "tr"),
        (DATA + "tr = nan\n" + LABELS + DECODER, "tr"),
        (DATA + 'tr = "2"\n' + LABELS + DECODER, "tr"),
        (DATA.replace("bold.nii", "/***") + LABELS + DECODER, ""),
        (DATA.replace("bold.nii", "a\\u0000b.nii") + LABELS + DECODER, "NUL"),
        (ALL.replace("v.tsv", "v\\u0000.tsv"), "NUL"),
        (DATA + 'anatomy = "\\u0000"\n' + LABELS + DECODER, "NUL"),
        (DATA.replace("bold.nii", "pipe.nii") + LABELS + DECODER, "pipe"),
        (DATA + 'mask = "pipe.nii"\n' + LABELS + DECODER, "pipe"),
        (DATA + 'mask = "/dev/zero"\n' + LABELS + DECODER, "/dev/zero"),
        ("a = " + "[" * 5000, "nest"),
        ("a = " + "[" * 100 + "]" * 100 + "\n" + ALL, "nest"),
        ("a = " + "{a=" * 5000, "nest"),
        (ALL + "[training]\nepochs = " + "9" * 5000 + "\n", "digits"),
        (ALL + "[null]\npermutations = 1000000000\n", "permutations"),
        (
            ALL
            + f"[training]\nselect = {{hidden = {list(range(1, 1001))}, epochs = {list(range(1, 1001))}}}\n",
            "1000000",
        ),
        ('[labels]\nsource = "blocks"\nblocks = "999999999999 a, 1 b"\n' + DATA + DECODER, "blocks"),
        ('[labels]\nsource = "painted"\nspans = ["0-99999999999999999999 a"]\n' + DATA + DECODER, "span"),
    ],
)
def test_a_malformed_recipe_gives_one_sentence(folder: Path, text: str, word: str) -> None:
    (folder / "shape.toml").write_text(text)
    printed = typed("train", folder / "shape.toml", "--out", folder / "run")
    check(printed)
    assert printed.status == 2
    assert word in printed.err


@pytest.mark.parametrize(
    "change",
    [
        ("epochs = 2", "epochs = 2"),
        ("learning_rate = 0.1", "learning_rate = 1"),
        ('exclude = [\n    "rest",\n]', 'exclude = "rest"'),
        ('images = [\n    "bold.nii",\n]', 'images = "bold.nii"'),
        (RECIPE[:9], "\ufeff" + RECIPE[:9]),
        ("tr = 2.0", "tr = 2"),
        ("\n", "\r\n"),
    ],
)
def test_natural_ways_to_write_a_recipe_are_accepted(folder: Path, change: tuple[str, str]) -> None:
    assert change[0] in RECIPE
    text = RECIPE.replace(*change) if change[0] == "\n" else RECIPE.replace(*change, 1)
    (folder / "natural.toml").write_bytes(text.encode())
    assert typed("train", folder / "natural.toml", "--out", folder / "run").status == "accepted"


@pytest.mark.parametrize(
    "words",
    [
        ("nope",),
        ("--nope",),
        ("train",),
        ("train", "recipe.toml"),
        ("train", "recipe.toml", "--out"),
        ("train", "recipe.toml", "--out", "run", "--nope"),
        ("train", "/dev/zero", "--out", "run"),
        ("train", "pipe.nii", "--out", "run"),
        ("train", "folder", "--out", "run"),
        ("train", "\x1b[2J.toml", "--out", "run"),
        ("train", "a\0b.toml", "--out", "run"),
        ("models", "mlp", "--classes", "x"),
        ("models", "mlp", "--classes", 10**30),
        ("models", "mlp", "--shape", 100000, 100000, 100000),
        ("models", "cnn3d", "--shape", 1, 1, 10**30),
        ("models", "mlp", "--set", "hidden=true"),
        ("models", "mlp", "--set", "hidden=" + "[" * 5000),
        ("models", "mlp", "--set", "hidden=1", "--set", "hidden=2"),
        ("slab", "bold.nii", "-o", "s.nii", "--rotate-x", "nan"),
        ("slab", "bold.nii", "-o", "s.nii", "--pivot", "inf", 1, 1),
        ("slab", "bold.nii", "-o", "s.nii", "--start", 10**30),
        ("slab", "bold.nii", "-o", "x" * 300 + ".nii"),
        ("slab", "bold.nii", "-o", "bold.nii/s.nii"),
        ("mask", "pipe.nii", "-o", "m.nii"),
        (
            "mask",
            "bold.nii",
            "-o",
            "m.nii",
            "--strategy",
            "file",
            "--set",
            "path=bold.nii",
            "--set",
            "labels=inf",
        ),
        ("predict", "pipe.nii", "bold.nii", "-o", "p.tsv"),
        ("predict", "/dev/zero", "bold.nii", "-o", "p.tsv"),
        ("info", "pipe.nii"),
        ("info", "/dev/zero"),
        ("info", "a\udcff.nii"),
    ],
)
def test_each_usage_error_and_unusual_file_gives_one_message(folder: Path, words: tuple[object, ...]) -> None:
    printed = typed(*words)
    assert printed.status == 2
    check(printed)
    assert not (folder / "s.nii").exists()
    assert not list(folder.glob(".partial*"))


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="sockets with names are of Unix")
def test_a_socket_is_refused_as_recipe_and_image(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.nii")
        for words in (("info", "s.nii"), ("train", "s.nii", "--out", "run")):
            printed = typed(*words)
            check(printed)
            assert "socket" in printed.err
    (folder / "s.nii").unlink()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["labels=36"], 1),
        (["labels=[36]"], 1),
        (["labels=36,37"], 2),
        (["labels=[36, 37]", "invert=true"], 6),
    ],
)
def test_a_single_value_is_accepted_as_a_list(folder: Path, given: list[str], kept: int) -> None:
    atlas = np.zeros((2, 2, 2), np.int16)
    atlas.flat[:3] = 36, 37, 38
    nib.save(nib.Nifti1Image(atlas, np.diag([3, 3, 3, 1])), folder / "atlas_dseg.nii")
    words = [word for pair in ["path=atlas_dseg.nii", *given] for word in ("--set", pair)]
    printed = typed("mask", "bold.nii", "-o", "m.nii", "--strategy", "file", *words)
    assert printed.status == 0, printed.err
    assert int(np.asarray(nib.load(folder / "m.nii").dataobj).sum()) == kept
    (folder / "m.nii").unlink()


def test_a_name_that_looks_like_a_number_remains_text(folder: Path) -> None:
    shutil.copy(folder / "bold.nii", folder / "1")
    printed = typed("mask", "bold.nii", "-o", "m.nii", "--strategy", "file", "--set", "path=1")
    assert printed.status == 2
    assert "must be a number" not in printed.err
    assert "string" not in printed.err


@pytest.mark.parametrize("name", ["\x1b[31mred\x1b[0m.nii", "a\nb.nii", "\u202eexe.nii"])
def test_control_characters_of_file_names_are_escaped(folder: Path, name: str) -> None:
    shutil.copy(folder / "bold.nii", folder / name)
    for words in (
        ("info", name),
        ("info", name, "bold.nii"),
        ("mask", name, "-o", name.replace(".nii", "_m.nii")),
    ):
        printed = typed(*words)
        assert printed.status == 0, printed.err
        assert all(line.isprintable() for line in (printed.out + printed.err).split("\n"))
    for path in folder.glob(name.replace(".nii", "*")):
        path.unlink()


def test_usage_errors_name_the_help_and_no_arguments_show_it(folder: Path) -> None:
    assert "fmri-decoder train --help" in typed("train").err
    printed = typed()
    assert printed.status == 2
    assert "Usage" in printed.out + printed.err
