"""No sentence that the core writes reaches the window with a key of a recipe or a command."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import pytest

import napari_fmri_decoder
from napari_fmri_decoder._napari.forms.validation import validate
from napari_fmri_decoder._napari.qt.notifications import error_text
from napari_fmri_decoder._napari.qt.window_text import window_text
from napari_fmri_decoder.decoders import registry
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline import AuditError
from napari_fmri_decoder.recipe import NullConfig
from napari_fmri_decoder.samples.audit import Finding, checks
from napari_fmri_decoder.samples.labels import label_sources
from napari_fmri_decoder.samples.masks import mask_strategies
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.zmaps import ZMapsConfig
from napari_fmri_decoder.training.config import TrainingConfig

if TYPE_CHECKING:
    from pydantic import BaseModel

MODELS: list[type[BaseModel]] = [
    *(TrainingConfig, SplitConfig, PrepareConfig, NullConfig, SlabConfig, ZMapsConfig),
    *registry.values(),
    *label_sources.values(),
    *mask_strategies.values(),
]
KEYS = {name for model in MODELS for name in model.model_fields}
CORE = Path(napari_fmri_decoder.__file__).parent


def keys_in(text: str) -> list[str]:
    """Keys in a text: words with an underscore, "key = value", "key: problem", "[section]", and commands."""
    found = [word for word in re.findall(r"\b[a-z]\w*_\w+\b", text) if word in KEYS]
    found += [key for key in re.findall(r"\b([a-z]\w*)(?: = |: must)", text) if key in KEYS]
    return found + re.findall(r"\[[a-z]+\]|\baudit\.allow|fmri-decoder [a-z]+", text)


def sentences(module: Path) -> list[str]:
    """The texts that a module can write, with "7" for what is filled in."""
    texts = []
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values]
            texts.append("".join(parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            texts.append(node.value)
    return texts


@pytest.mark.parametrize("code", sorted(checks))
def test_findings_have_no_keys(code: str) -> None:
    module = CORE / "samples" / "audit" / f"{checks[code].find.__module__.rpartition('.')[2]}.py"
    tree = ast.parse(module.read_text(encoding="utf-8"))
    function = next(
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == checks[code].find.__name__
    )
    texts = [ast.unparse(node) for node in ast.walk(function) if isinstance(node, ast.JoinedStr)]
    if not texts:  # the sentence is written where what it tells is computed
        written = {"mask-excludes-signal": "mask_coverage.py", "mask-not-compared": "audit/selection.py"}
        tree = ast.parse((CORE / "samples" / written[code]).read_text(encoding="utf-8"))
        texts = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    assert texts
    for text in texts:
        plain = re.sub(r"\{.*?\}", "7", text)
        assert keys_in(window_text(plain)) == [], plain
    error = AuditError([Finding(code, "error", "Samples are in both sets.")])
    assert "audit.allow" in str(error)
    assert keys_in(error_text(error)) == []
    assert code in error_text(error)


def wrong(info: Any) -> Any:
    """A value that a field refuses."""
    kinds = [info.annotation, *get_args(info.annotation)]
    if any(get_origin(kind) is Literal or kind in (bool, int, float) for kind in kinds):
        return ["neither", "nor"]
    return {"no": {"such": ["value"]}}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_errors_of_fields_name_their_labels(model: type[BaseModel]) -> None:
    refused = 0
    for name, info in model.model_fields.items():
        try:
            validate(model, {name: wrong(info)})
        except InputError as error:
            refused += 1
            text = error_text(error)
            assert keys_in(text) == [], text
    assert refused or not set(model.model_fields) - {"name", "source", "strategy"}


@pytest.mark.parametrize(
    "module", sorted(path.relative_to(CORE).as_posix() for path in CORE.glob("samples/**/*.py"))
)
def test_sentences_of_modules_that_the_window_calls_have_no_keys(module: str) -> None:
    for text in sentences(CORE / module):
        if "_key.txt" in text:  # a file of OpenfMRI
            continue
        if text.rstrip().endswith(".") and not text.startswith(("\n", " ")) and "\n" not in text:
            assert keys_in(window_text(text)) == [], text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "patience = 5 needs a validation set; set patience = 0",
            "Patience = 5 needs a validation set; set Patience = 0",
        ),
        ("File /data/test_size.tsv is missing.", "File /data/test_size.tsv is missing."),
        ("The TR is 2 s. fmri-decoder info shows it. Set data.tr.", "The TR is 2 s. Set Tr."),
        ("Compute z-maps first (fmri-decoder zmaps), or not.", "Compute z-maps first, or not."),
        ("The run of each volume in the labels", "The run of each volume in the labels"),
    ],
)
def test_options_are_called_by_their_labels_and_nothing_else_changes(text: str, shown: str) -> None:
    assert window_text(text) == shown


def test_a_text_is_kept_where_no_option_has_an_underscore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_fmri_decoder._napari.qt.window_text._labels", lambda: {"lag": "Lag"})
    assert window_text("There is no series.") == "There is no series."
    assert window_text("Set lag = 5.") == "Set Lag = 5."
