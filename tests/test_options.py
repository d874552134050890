"""Options take values of their own types, within limits, whatever the class they belong to."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, Field, ValidationError
from pydantic.fields import FieldInfo

import napari_fmri_decoder as fd
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.options import Options, explain, shown
from napari_fmri_decoder.registry import choose
from napari_fmri_decoder.training.bundle.header import FormatNumber, Header


def _all_kinds(kind: type[BaseModel] = Options) -> Iterator[type[BaseModel]]:
    for below in kind.__subclasses__():
        if below.__module__.startswith("napari_fmri_decoder."):
            yield below
            yield from _all_kinds(below)


for _registry in (fd.decoders.registry, fd.label_sources, fd.mask_strategies, fd.explainers):
    list(_registry.values())  # loads the classes, as does Recipe, whichever tests run before
assert fd.Recipe is not None
MODELS = sorted({*_all_kinds(), FormatNumber, Header}, key=lambda kind: kind.__name__)


def _numbers(annotation: Any, bounds: tuple[Any, ...]) -> Iterator[tuple[type, tuple[Any, ...]]]:
    """Every int or float that a field's type allows, with the limits that hold for it."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        own = [b for part in parts[1:] for b in (part.metadata if isinstance(part, FieldInfo) else [part])]
        yield from _numbers(parts[0], (*bounds, *own))
    elif origin in (Union, UnionType):
        for part in parts:
            yield from _numbers(part, bounds)
    elif origin in (tuple, list, dict):
        for part in parts:
            yield from _numbers(part, ())  # limits on the outside count the elements
    elif annotation in (int, float):
        yield annotation, bounds


def _fields() -> list[Any]:
    return [
        pytest.param(model, name, id=f"{model.__name__}.{name}")
        for model in MODELS
        for name, field in model.model_fields.items()
        if any(_numbers(field.annotation, tuple(field.metadata)))
        and name != "select"  # its values are those of the options that it names
    ]


def test_the_contract_sees_the_options_of_every_registry() -> None:
    names = {model.__name__ for model in MODELS}
    assert {"CNN2D", "CNN3D", "MLP", "Linear", "BlockLabels", "EpiMask", "Activation"} <= names
    assert {"TrainingConfig", "DataConfig", "NullConfig", "SplitConfig", "SlabConfig", "ZMapsConfig"} <= names
    assert len(_fields()) > 40


@pytest.mark.parametrize(("model", "name"), _fields())
def test_every_number_has_finite_limits_below_and_above(model: type[BaseModel], name: str) -> None:
    field = model.model_fields[name]
    for kind, bounds in _numbers(field.annotation, tuple(field.metadata)):
        limits = {
            side: getattr(b, side) for b in bounds for side in ("ge", "gt", "le", "lt") if hasattr(b, side)
        }
        below = [limits[side] for side in ("ge", "gt") if limits.get(side) is not None]
        above = [limits[side] for side in ("le", "lt") if limits.get(side) is not None]
        assert below, f"no lower limit of a {kind.__name__}"
        assert above, f"no upper limit of a {kind.__name__}"
        assert math.isfinite(below[0])
        assert math.isfinite(above[0])


@pytest.mark.parametrize(
    ("model", "name"), [field for field in _fields() if not inspect.isabstract(field.values[0])]
)
def test_no_number_takes_infinity_nan_text_truth_or_a_hundred_digits(
    model: type[BaseModel], name: str
) -> None:
    taken, said = [], []
    for value in (float("inf"), float("-inf"), float("nan"), 10**100, -(10**100), True, "3"):
        for given in (value, [value], [value, value, value], [[value] * 4] * 4):
            try:
                model.__pydantic_validator__.validate_assignment(model.model_construct(), name, given)
            except ValidationError as error:
                said.append(explain(error))
            else:
                taken.append(value)
    if model in (FormatNumber, Header):  # they are read from JSON, and by nobody else
        taken = [value for value in taken if not isinstance(value, (str, bool))]
    assert not taken
    assert max(map(len, said)) < 1000
    assert not any("\n" in text for text in said)


class Smoothing(Options):
    width: float = Field(0.0, ge=0, le=50)
    times: int | None = Field(None, ge=1, le=9)
    on: bool | None = None
    strength: Annotated[float, Field(gt=0, le=10)] | Literal["nested"] = 1.0
    names: tuple[str, ...] = ()
    sizes: tuple[Annotated[int, Field(ge=1, le=99)], ...] = ()
    point: tuple[float, float, float] | None = None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("times", True),
        ("times", "3"),
        ("times", 2.5),
        ("times", [3]),
        ("width", "wide"),
        ("width", "3.5"),
        ("width", False),
        ("on", "yes"),
        ("on", "true"),
        ("on", 1),
        ("on", 0.0),
        ("strength", "0.1"),
        ("strength", "Nested"),
        ("strength", True),
        ("names", 3),
        ("names", [True]),
        ("names", {"a": 1}),
        ("names", "a\0b"),
        ("sizes", ["4"]),
        ("sizes", [True]),
        ("sizes", "4"),
        ("sizes", [[4]]),
        ("point", [1, 2]),
        ("point", [1, 2, True]),
        ("point", 3),
        ("point", "1, 2, 3"),
    ],
)
def test_an_option_takes_no_value_of_another_type(name: str, value: object) -> None:
    with pytest.raises(ValidationError) as error:
        Smoothing(**{name: value})
    assert explain(error.value).startswith(name)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("width", 3, 3.0),
        ("times", 3, 3),
        ("on", False, False),
        ("strength", 1, 1.0),
        ("strength", "nested", "nested"),
        ("names", "rest", ("rest",)),
        ("names", ["rest", "fix"], ("rest", "fix")),
        ("sizes", 4, (4,)),
        ("point", [1, 2.5, 3], (1.0, 2.5, 3.0)),
    ],
)
def test_integers_are_numbers_and_a_single_value_is_a_list_of_one(
    name: str, value: object, kept: object
) -> None:
    assert getattr(Smoothing(**{name: value}), name) == kept


def test_a_message_repeats_no_long_value_no_control_characters_and_no_endless_number() -> None:
    with pytest.raises(ValidationError) as error:
        Smoothing(width="\x1b[2J" * 500, times=int("9" * 4000) * 10**1000, on=[[1]] * 1000)
    said = explain(error.value)
    assert len(said) < 600
    assert "\x1b" not in said


def test_many_wrong_options_are_named_by_the_first_few() -> None:
    with pytest.raises(ValidationError) as error:
        Smoothing(**{f"o{i}": i for i in range(100)})
    assert len(explain(error.value)) < 800
    assert "96 more" in explain(error.value)


@pytest.mark.parametrize("given", ["v.tsv", ["v.tsv"], 1, True, None, 2.5, [{"source": "table"}]])
def test_named_options_must_be_a_table(given: object) -> None:
    with pytest.raises(InputError, match="must be a table of options"):
        choose({}, "source", "label source", given)


def test_shown_is_shortened_in_its_middle() -> None:
    text = shown("start" + "x" * 5000 + "end")
    assert text.startswith("'start")
    assert text.endswith("end'")
    assert len(text) <= 80
