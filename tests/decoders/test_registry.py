"""A decoder is one class in one file, found by its name."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pytest

from napari_fmri_decoder.decoders import Decoder, EstimatorDecoder, NetworkDecoder, get_decoder, registry
from napari_fmri_decoder.decoders.mlp import MLP
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain import Explainer
from napari_fmri_decoder.samples.labels import LabelsConfig
from napari_fmri_decoder.samples.masks import MaskConfig

if TYPE_CHECKING:
    from torch import nn

    from napari_fmri_decoder.samples.layout import Layout


def test_the_built_in_decoders_are_registered() -> None:
    assert {"mlp", "cnn2d", "cnn3d", "linear", "dummy"} <= set(registry)


def test_options_of_a_recipe_reach_the_decoder() -> None:
    decoder = get_decoder({"name": "cnn2d", "filters": [8, 16], "dropout": 0.1})
    assert decoder.model_dump() == {
        "name": "cnn2d",
        "preset": "torch",
        "filters": (8, 16),
        "dense": (1024, 256, 64),
        "dropout": 0.1,
    }
    assert get_decoder({"name": "linear", "C": "nested"}).model_dump()["C"] == "nested"


def test_a_new_subclass_is_found_by_its_name() -> None:
    class Wide(MLP):
        name: Literal["wide"] = "wide"  # type: ignore[assignment]

    try:
        assert isinstance(get_decoder({"name": "wide"}), Wide)
    finally:
        del registry["wide"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"name": "mpl"}, "cnn2d, cnn3d, dummy, lda, linear, mlp, prototype"),
        ({}, "cnn2d, cnn3d, dummy, lda, linear, mlp, prototype"),
        ({"name": "mlp", "hiden": 3}, "hiden.*hidden, dropout"),
        ({"name": "mlp", "dropout": 1.5}, "dropout.*less than 1.*1.5"),
        ({"name": "linear", "C": -1}, "C.*greater than 0.*-1"),
        ({"name": "cnn2d", "filters": []}, "filters.*at least 1"),
        ({"name": "cnn2d", "filters": [0]}, "filters.*greater than 0"),
    ],
)
def test_the_error_of_a_wrong_option_lists_the_valid_ones(options: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        get_decoder(options)


def test_a_form_can_list_decoders_without_loading_torch() -> None:
    code = (
        "import sys; from napari_fmri_decoder.decoders import get_decoder; "
        "get_decoder({'name': 'cnn2d'}); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


BUILD = {"build": lambda self, input_shape, n_classes: None}
COMPLETE = {
    "layout": "vector",
    "summary": "Something",
    "training_defaults": {},
    "name": "odd",
    "__annotations__": {
        "name": Literal["odd"],
        "layout": ClassVar[str],
        "summary": ClassVar[str],
        "training_defaults": ClassVar[dict],
    },
    **BUILD,
}


def define(base: type = NetworkDecoder, **changes: object) -> type:
    """Define a decoder; what is changed to None is left out."""
    content = {**COMPLETE, **changes}
    content["__annotations__"] = {
        name: kind for name, kind in COMPLETE["__annotations__"].items() if content[name] is not None
    }
    content = {name: value for name, value in content.items() if value is not None}
    return type(base)("Odd", (base,), {**content, "__module__": "elsewhere"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"layout": None},
            r"elsewhere\.Odd cannot be .* 'odd': it must define the class attribute layout\.",
        ),
        ({"summary": None}, "class attribute summary"),
        ({"training_defaults": None}, "class attribute training_defaults"),
        ({"layout": None, "summary": None}, "class attributes layout, summary"),
        ({"summary": " "}, "summary must be one line of text"),
        ({"layout": "slices"}, "layout must be one of vector, planes, volume, not 'slices'"),
        ({"training_defaults": []}, "training_defaults must be a dict"),
        ({"training_defaults": {"epoch": 3}}, "may set epochs, .*, not epoch"),
        ({"build": None}, "must define the method build"),
        ({"name": "mlp"}, r"'mlp', because napari_fmri_decoder\.decoders\.mlp\.MLP already has that name"),
        ({"base": Decoder}, "must be a subclass of NetworkDecoder or EstimatorDecoder"),
        ({"base": EstimatorDecoder}, "must define the method solve"),
    ],
)
def test_an_incomplete_class_is_refused_where_it_is_defined(changes: dict[str, Any], message: str) -> None:
    before = dict(registry)
    with pytest.raises(TypeError, match=message) as error:
        define(**changes)
    assert "\n" not in str(error.value)
    assert dict(registry) == before


def test_a_complete_class_is_registered() -> None:
    try:
        defined = define()
        assert registry["odd"] is defined
    finally:
        registry.pop("odd", None)


def test_a_subclass_needs_its_own_name() -> None:
    with pytest.raises(TypeError, match=r"give its field 'name' another default"):

        class Deeper(MLP):
            pass


def test_a_class_without_a_name_is_refused() -> None:
    with pytest.raises(TypeError, match="its field 'name' has no default"):

        class Nameless(NetworkDecoder):
            layout: ClassVar[Layout] = "vector"

            def build(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Sequential:
                raise NotImplementedError


def test_a_notebook_cell_can_be_run_twice() -> None:
    code = """
class Twice(MLP):
    name: Literal["twice"] = "twice"
"""
    namespace = {"MLP": MLP, "Literal": Literal, "__name__": "__main__"}
    try:
        exec(code, namespace)
        first = namespace["Twice"]
        exec(code, namespace)
        assert registry["twice"] is namespace["Twice"] is not first
    finally:
        del registry["twice"]


@pytest.mark.parametrize(
    ("base", "key", "method"),
    [(MaskConfig, "strategy", "make"), (LabelsConfig, "source", "rows"), (Explainer, "name", "explain")],
)
def test_other_registries_refuse_incomplete_classes_too(base: type, key: str, method: str) -> None:
    content = {key: "odd", "__annotations__": {key: Literal["odd"]}, "__module__": "elsewhere"}
    with pytest.raises(TypeError, match="'odd': it must define the class attribute summary"):
        type(base)("Odd", (base,), {**content, method: lambda *_: None})
    summary = {"summary": "S", "__annotations__": {key: Literal["odd"], "summary": ClassVar[str]}}
    with pytest.raises(TypeError, match=f"'odd': it must define the method {method}"):
        type(base)("Odd", (base,), {**content, **summary})
