"""The recipe: one whole run as a validated, frozen object; TOML in, TOML out.

The docks, the command line and a notebook fill in, and run, the same recipe.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import tomli_w
from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationError, field_validator, model_validator

from napari_fmri_decoder.decoders import Decoder, get_decoder
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.report_config import ReportConfig
from napari_fmri_decoder.files import parse_toml, read_text
from napari_fmri_decoder.samples.bids import find_confounds
from napari_fmri_decoder.samples.labels import LabelsField
from napari_fmri_decoder.samples.masks import MaskField
from napari_fmri_decoder.samples.opening import KindChoice, open_images
from napari_fmri_decoder.samples.options import Options, explain, several_texts, shown
from napari_fmri_decoder.samples.paths import expanded, paths_of, with_paths
from napari_fmri_decoder.samples.patterns import expand, matching
from napari_fmri_decoder.samples.prepare import PrepareConfig
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.samples.splits import SplitConfig
from napari_fmri_decoder.samples.zmaps import ZMapsConfig
from napari_fmri_decoder.text import nfc, printable
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.selecting import candidates
from napari_fmri_decoder.volumes.files import once
from napari_fmri_decoder.volumes.nifti import images_in, is_image

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume


def _as_list(value: object) -> object:
    return (
        [str(v) if isinstance(v, Path) else v for v in value] if isinstance(value, (list, tuple)) else value
    )


def _as_decoder(value: object) -> object:
    return get_decoder(value) if isinstance(value, Mapping) else value


LARGEST_RECIPE = 2**22
"""Bytes of the largest recipe: 4 MiB."""
MOST_PERMUTATIONS = 100_000
BIDS_CHOICES = ("subjects", "sessions", "tasks", "runs", "space")
Labels = Annotated[tuple[str, ...], BeforeValidator(several_texts)]
"""Type of a choice of subjects or the like: text, a number, or several of them."""


class DataConfig(Options):
    """The images of a run."""

    images: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = Field(
        (),
        description="Paths or patterns (*) of the images, relative to the recipe: BOLD files, one 4-D file, "
        "z-maps, or a folder of z-maps. They are joined in the order of this list; what one pattern or "
        "folder gives is sorted. Not needed where bids is given.",
        json_schema_extra={"mode": "files"},
    )
    bids: str | None = Field(
        None,
        description="In place of images: a BIDS dataset, or the folder of fMRIPrep's output; BOLD files, "
        "brain masks, events, confounds and anatomy are found by their names.",
        json_schema_extra={"mode": "folder"},
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
        le=3600,
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
    anatomy: str | None = Field(
        None,
        description="An anatomy to look at beneath the results.",
        json_schema_extra={"mode": "file"},
    )

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
        le=MOST_PERMUTATIONS,
        description="How often blocks exchange their labels within runs and everything is fitted again.",
    )

    @field_validator("permutations", mode="before")
    @classmethod
    def _can_be_fitted(cls, permutations: object) -> object:
        if isinstance(permutations, int) and permutations > MOST_PERMUTATIONS:
            raise ValueError(
                f"more than {MOST_PERMUTATIONS} are not fitted, as each fits all folds again; 1000 give a "
                f"p-value down to 0.001, {MOST_PERMUTATIONS} down to 0.00001. Set fewer"
            )
        return permutations


class AuditConfig(Options):
    """Findings of the audit that the user answers for."""

    allow: tuple[str, ...] = Field(
        (), description="Codes of findings that are overridden on purpose; the report says so."
    )


class Recipe(Options):
    """A whole run: images, labels, preparation, split, decoder, training, null, audit and report.

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
    report: ReportConfig = Field(ReportConfig(), description="What the report shows.")

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
    name = printable(name)
    return make_recipe(parse_toml(text, name), name)


def make_recipe(content: Mapping[str, Any], name: str = "recipe") -> Recipe:
    """Build a recipe from nested mappings, its paths with environment variables put in.

    Raises
    ------
    InputError
        As `parse_recipe` does; and if a path names a variable that is not set.
    """
    if not isinstance(content, Mapping):
        raise InputError(f"{name} must be tables of options, got {shown(content)}. Write it as TOML does.")
    try:
        return expanded(Recipe.model_validate(dict(content)))
    except ValidationError as error:
        raise InputError(f"{name} must state valid options; {explain(error).rstrip('.')}.") from error


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe file; its paths stay relative to its folder."""
    path = Path(path)
    return parse_recipe(read_text(path, "recipe", LARGEST_RECIPE), path.name)


def with_training(recipe: Recipe, **changes: Any) -> Recipe:
    """Change training options of a recipe, checked like those of a file."""
    content = recipe.model_dump(mode="json", exclude_none=True)
    return make_recipe(content | {"training": content["training"] | changes})


def with_report(recipe: Recipe, **changes: Any) -> Recipe:
    """Change what the report of a recipe shows, checked like the options of a file."""
    content = recipe.model_dump(mode="json", exclude_none=True)
    return make_recipe(content | {"report": content["report"] | changes})


def read_images(
    images: tuple[str, ...], base: Path, *, kind: KindChoice = "auto", tr: float | None = None
) -> Volume:
    """Read the images of a recipe as one series; see `image_files` and `open_images`."""
    files = image_files(images, base)
    series = open_images(files, kind=kind, tr=tr)
    only = matching(images[0], base) if len(images) == 1 else []
    return replace(series, name=only[0].name) if len(only) == 1 and only[0].is_dir() else series


def image_files(images: tuple[str, ...], base: Path) -> list[Path]:
    """Find the image files of a recipe: in the order of the list, what one pattern gives naturally sorted.

    Parameters
    ----------
    images : tuple of str
        Paths, folders or patterns, relative to `base`.
    base : Path

    Raises
    ------
    InputError
        If one of them matches no image, or one file is named twice.
    """
    found: list[Path] = []
    named: dict[Path, str] = {}
    for given in images:
        paths = matching(given, base)
        exact = len(paths) == 1 and nfc(paths[0].name) == nfc(Path(given).name) and not paths[0].is_dir()
        matches = [p for path in paths for p in _images_at(path, exact)]
        if not matches:
            raise InputError(
                f"The images must exist, but nothing matches {printable(given)} in {printable(base)}. Check "
                "data.images."
            )
        if exact and matches[0] in named:
            raise InputError(
                f"Each image must be named once, but {printable(matches[0].name)} is named by "
                f"{printable(named[matches[0]])} and by {printable(given)}. Name it once in data.images."
            )
        named |= dict.fromkeys(matches, given) if exact else {}
        found += matches
    return once(found)


def _images_at(path: Path, exact: bool) -> list[Path]:
    """Images that one match of a path or pattern stands for: a pattern passes over other files."""
    if path.is_dir():
        return images_in(path)
    return [path] if exact or is_image(path) else []


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
    images = image_files(recipe.data.images, base)
    beside = [] if any(paths_of(recipe.labels)) else recipe.labels.files_of(images, base)
    found = [*images, *(path for path in beside if path)]
    for options in (recipe.prepare, recipe.zmaps):
        if options is not None and options.confounds and not options.confounds_files:
            found += [path for path in map(find_confounds, images) if path]
    used = recipe.model_copy(update={"data": recipe.data.model_copy(update={"images": (), "anatomy": None})})
    for name, given in paths_of(used):
        found += [path for path in expand(given, base, name) if not path.is_dir()]
    return list(dict.fromkeys(found))


def rebased(recipe: Recipe, base: Path, target: Path | None) -> Recipe:
    """Rewrite a recipe's paths for another folder, so that it can be run from there.

    Files that share a folder with `target`, at whatever height, are named relative to it, so that a
    project can be copied with its runs; those on another root, and all where there is no target, by
    their absolute path.
    """
    start, within = base.resolve(), None if target is None else target.resolve()

    def moved(path: str) -> str:
        absolute = os.path.abspath(start / path)
        if within is None or not _share_a_folder(absolute, within):
            return absolute
        return Path(os.path.relpath(absolute, within)).as_posix()

    return with_paths(expanded(recipe), moved)


def _share_a_folder(path: str, folder: Path) -> bool:
    try:
        common = Path(os.path.commonpath([path, folder]))
    except ValueError:  # on two drives
        return False
    return common != Path(common.anchor)


def _plain(value: Any) -> Any:
    """Drop empty tables, which only say that all is as by default."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if v != {}}
    return value
