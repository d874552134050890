"""The recipe: one whole run as a validated, frozen object; TOML in, TOML out.

The docks, the command line and a notebook fill in, and run, the same recipe.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import tomli_w
from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationError, model_validator

from napari_fmri_decoder.decoders import Decoder, get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import LabelsField
from napari_fmri_decoder.samples.labels.events import EventLabels, events_beside
from napari_fmri_decoder.samples.masks import MaskField
from napari_fmri_decoder.samples.opening import KindChoice, open_images
from napari_fmri_decoder.samples.options import Options, explain
from napari_fmri_decoder.samples.patterns import expand
from napari_fmri_decoder.samples.prepare import PrepareConfig
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.samples.splits import SplitConfig
from napari_fmri_decoder.samples.zmaps import ZMapsConfig
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.selecting import candidates
from napari_fmri_decoder.volumes.nifti import images_in, is_image, natural_key

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume


def _as_list(value: object) -> object:
    return [value] if isinstance(value, (str, Path)) else value


def _as_labels(value: object) -> object:
    several = value if isinstance(value, (list, tuple)) else [value]
    return [str(v) if isinstance(v, int) else v for v in several]


def _as_decoder(value: object) -> object:
    return get_decoder(value) if isinstance(value, Mapping) else value


BIDS_CHOICES = ("subjects", "sessions", "tasks", "runs", "space")
Labels = Annotated[tuple[str, ...], BeforeValidator(_as_labels)]
"""Type of a choice of subjects or the like: text, a number, or several of them."""


class DataConfig(Options):
    """The images of a run."""

    images: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = Field(
        (),
        description="Paths or patterns (*) of the images, relative to the recipe: BOLD files, one 4-D file, "
        "z-maps, or a folder of z-maps. Not needed where bids is given.",
    )
    bids: str | None = Field(
        None,
        description="In place of images: a BIDS dataset, or the folder of fMRIPrep's output; BOLD files, "
        "brain masks, events, confounds and anatomy are found by their names.",
    )
    subjects: Labels = Field((), description="Subjects of the dataset; empty takes all.")
    sessions: Labels = Field((), description="Sessions of the dataset; empty takes all.")
    tasks: Labels = Field((), description="Tasks of the dataset; empty takes all.")
    runs: Labels = Field((), description="Runs of the dataset; empty takes all.")
    space: str | None = Field(
        None,
        description='Space of the dataset\'s images: "native", "T1w", "MNI152NLin2009cAsym:res-2"; needed '
        "where there are several.",
    )
    tr: float | None = Field(
        None,
        gt=0,
        description="Seconds between volumes, where the header's TR is missing or wrong; empty takes that of "
        "the header, or of a JSON file beside it. Images with a TR are a series in time.",
        json_schema_extra={"unit": "s"},
    )
    kind: KindChoice = Field(
        "auto",
        description="What the images show: bold, a series in time, with a TR; stat, maps, such as z-maps or "
        "betas, without one; anatomy, mask and atlas are rarely decoded. auto decides by names, header and "
        "values, and reports what it assumed.",
    )
    mask: MaskField | None = Field(
        None,
        description="A mask file, or a strategy with its options; all voxels where there is none.",
    )
    anatomy: str | None = Field(None, description="An anatomy to look at beneath the results.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        chosen = [name for name in BIDS_CHOICES if getattr(self, name)]
        if bool(self.images) == bool(self.bids):
            raise ValueError("give either images or bids")
        if self.tr is not None and self.kind not in ("auto", "bold"):
            raise ValueError(
                f'tr = {self.tr:g} states a series in time, but kind = "{self.kind}" states images that are '
                "not one; leave one of them out"
            )
        if chosen and not self.bids:
            raise ValueError(
                f"{', '.join(chosen)} can be chosen from a dataset only: give bids, or leave it out"
            )
        return self


DecoderField = Annotated[SerializeAsAny[Decoder], BeforeValidator(_as_decoder)]
"""Type of a field that holds any decoder's options, read by its name and written out whole."""


class CompareConfig(Options):
    """Another decoder, put to the same samples and folds."""

    decoder: DecoderField = Field(description="A registered name and its options.")
    training: TrainingConfig = Field(TrainingConfig(), description="How it is trained.")


class NullConfig(Options):
    """What a score is held against, beside chance and the baselines."""

    permutations: int = Field(
        0,
        ge=0,
        le=100_000,
        description="How often blocks exchange their labels within runs and everything is fitted again.",
    )


class AuditConfig(Options):
    """Findings of the audit that the user answers for."""

    allow: tuple[str, ...] = Field(
        (), description="Codes of findings that are overridden on purpose; the report says so."
    )


class Recipe(Options):
    """A whole run: images, labels, preparation, split, decoder, training, null and audit.

    Examples
    --------
    >>> recipe = Recipe.model_validate({
    ...     "data": {"images": "bold.nii.gz"},
    ...     "labels": {"source": "table", "table": "volumes.tsv", "exclude": ["rest"]},
    ...     "decoder": {"name": "mlp"},
    ... })
    >>> recipe.split.scheme, recipe.decoder.dropout
    ('leave-one-run-out', 0.25)
    """

    data: DataConfig = Field(description="The images.")
    labels: LabelsField = Field(description="What each volume shows, and its run.")
    zmaps: ZMapsConfig | None = Field(
        None, description="Decode z-maps of the series, made by these options, in place of its volumes."
    )
    prepare: PrepareConfig = Field(PrepareConfig(), description="From images to samples.")
    slab: SlabConfig | None = Field(None, description="Rotate and cut before decoding.")
    split: SplitConfig = Field(SplitConfig(), description="Training and test parts.")
    decoder: DecoderField = Field(description="A registered name and its options.")
    training: TrainingConfig = Field(TrainingConfig(), description="How the network is trained.")
    compare: tuple[CompareConfig, ...] = Field(
        (), description="Other decoders whose scores are to stand beside, from the same folds."
    )
    null: NullConfig = Field(NullConfig(), description="What the score is held against.")
    audit: AuditConfig = Field(AuditConfig(), description="Findings overridden on purpose.")

    @model_validator(mode="after")
    def _choices_fit(self) -> Self:
        pairs = [(self.decoder, self.training), *((c.decoder, c.training) for c in self.compare)]
        for decoder, training in pairs:
            try:
                candidates(decoder, training)
            except InputError as error:
                raise ValueError(str(error).rstrip(".")) from error
        return self

    def to_toml(self) -> str:
        """Write the recipe as TOML; options that are empty are left out."""
        return tomli_w.dumps(_plain(self.model_dump(mode="json", exclude_none=True)))


def parse_recipe(text: str, name: str = "recipe") -> Recipe:
    """Read a recipe from TOML.

    Parameters
    ----------
    text : str
    name : str
        What messages call it.

    Raises
    ------
    InputError
        If it is no TOML, or an option is missing, unknown or out of its limits.
    """
    try:
        content = tomllib.loads(text)
    except RecursionError as error:
        raise InputError(f"{name} must not nest its lists that deeply. Write it anew.") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name} must be TOML, found: {error}. Mend that line.") from error
    return make_recipe(_expanded(content), name)


def _expanded(content: dict[str, Any]) -> dict[str, Any]:
    """Put environment variables into the paths of a recipe: ``${NAME}`` or ``${NAME:-default}``."""

    def put(match: re.Match[str]) -> str:
        value = os.environ.get(match[1])
        if value and os.path.exists(value):
            return os.path.abspath(value)  # a relative one starts where the command runs, not at the recipe
        value = value or match[2]
        if value is None:
            raise InputError(
                f"A recipe's path must name variables that are set, but {match[1]} is not. "
                f"Set it, or write ${{{match[1]}:-FOLDER}}."
            )
        return value

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walk(item) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item) for item in value]
        return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", put, value) if isinstance(value, str) else value

    return {key: walk(part) if key in ("data", "labels", "zmaps") else part for key, part in content.items()}


def make_recipe(content: Mapping[str, Any], name: str = "recipe") -> Recipe:
    """Build a recipe from nested mappings; see `parse_recipe`."""
    try:
        return Recipe.model_validate(dict(content))
    except ValidationError as error:
        raise InputError(f"{name} must state valid options; {explain(error).rstrip('.')}.") from error


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe file; its paths stay relative to its folder."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The recipe must be a text file that can be read, got {path}: {error}.") from error
    return parse_recipe(text, path.name)


def with_training(recipe: Recipe, **changes: Any) -> Recipe:
    """Change training options of a recipe, checked like those of a file."""
    content = recipe.model_dump(mode="json", exclude_none=True)
    return make_recipe(content | {"training": content["training"] | changes})


def read_images(
    images: tuple[str, ...], base: Path, *, kind: KindChoice = "auto", tr: float | None = None
) -> Volume:
    """Read the images of a recipe as one series; see `image_files` and `open_images`."""
    files = image_files(images, base)
    series = open_images(files, kind=kind, tr=tr)
    only = base / images[0]
    return replace(series, name=only.name) if len(images) == 1 and only.is_dir() else series


def image_files(images: tuple[str, ...], base: Path) -> list[Path]:
    """Find the image files of a recipe, naturally sorted.

    Parameters
    ----------
    images : tuple of str
        Paths, folders or patterns, relative to `base`.
    base : Path

    Raises
    ------
    InputError
        If one of them matches no image.
    """
    found: list[Path] = []
    for pattern in images:
        path = base / pattern
        matches = images_in(path) if path.is_dir() else [path] if path.exists() else _matches(path)
        if not matches:
            raise InputError(
                f"The images must exist, but nothing matches {pattern} in {base}. Check data.images."
            )
        found += matches
    return sorted(dict.fromkeys(found), key=natural_key)


def _matches(path: Path) -> list[Path]:
    anchor = Path(path.anchor or ".")
    return [p for p in anchor.glob(str(path.relative_to(path.anchor))) if is_image(p)]


def input_files(recipe: Recipe, base: Path) -> list[Path]:
    """Find the files that a recipe's numbers come from: images, masks, and the tables that it names.

    Parameters
    ----------
    recipe : Recipe
        That names its images: a dataset (`data.bids`) is resolved first.
    base : Path
        Folder that its paths start from.

    Raises
    ------
    InputError
        If images, or the files of a pattern, are not there.
    """
    content = recipe.model_dump(mode="json", exclude_none=True)
    found = image_files(recipe.data.images, base)
    for section, name in _named(content):
        value = section.get(name) or ()
        for given in [value] if isinstance(value, str) else value:
            found += expand(given, base, name)
    if isinstance(recipe.labels, EventLabels) and not recipe.labels.events:
        found += [events_beside(path) for path in image_files(recipe.data.images, base)]
    return list(dict.fromkeys(found))


def rebased(recipe: Recipe, base: Path, target: Path | None) -> Recipe:
    """Rewrite a recipe's paths for another folder, so that it can be run from there.

    Files inside `target` are named relative to it (a run folder can be moved with its data); all
    others, and all where there is none, by their absolute path.
    """
    within = None if target is None else target.resolve()

    def moved(path: str) -> str:
        absolute = Path(os.path.abspath(base / path))
        inside = within is not None and absolute.is_relative_to(within)
        return str(absolute.relative_to(within) if within and inside else absolute)

    content = recipe.model_dump(mode="json", exclude_none=True)
    data = content["data"]
    data["images"] = [moved(p) for p in data["images"]]
    for section, name in ((data, "anatomy"), (data, "bids"), *_named(content)):
        value = section.get(name)
        if isinstance(value, str) and value:
            section[name] = moved(value)
        elif isinstance(value, list):
            section[name] = [moved(p) for p in value]
    return make_recipe(content)


def _named(content: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Where a recipe's content names files beside its images: tables of options, and their entries."""
    labels = content["labels"]
    return [
        *((mask, "path") for mask in _masks(content["data"].get("mask", {}))),
        (labels, "table"),
        (labels, "events"),
        (content.get("prepare", {}), "confounds_files"),
        (content.get("zmaps", {}), "confounds_files"),
    ]


def _masks(mask: dict[str, Any]) -> list[dict[str, Any]]:
    """A mask's options, and those of the masks that it combines."""
    return [mask, *(inner for one in mask.get("masks", []) for inner in _masks(one))]


def _plain(value: Any) -> Any:
    """Drop empty tables, which only say that all is as by default."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if v != {}}
    return value
