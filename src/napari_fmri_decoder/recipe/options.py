"""Options of a recipe: images, decoders to compare, permutations, audit, and the recipe itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

import tomli_w
from pydantic import BeforeValidator, Field, field_validator, model_validator

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.baseline_config import BaselineConfig
from napari_fmri_decoder.evaluation.report_config import ReportConfig
from napari_fmri_decoder.options import Options, several_texts
from napari_fmri_decoder.recipe.decoder_field import DecoderField
from napari_fmri_decoder.recipe.where_options import WhereConfig
from napari_fmri_decoder.registry import add_packages
from napari_fmri_decoder.samples.labels import LabelsField
from napari_fmri_decoder.samples.masks import MaskField
from napari_fmri_decoder.samples.opening import KindChoice
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.samples.split_config import SplitConfig
from napari_fmri_decoder.samples.zmaps import ZMapsConfig
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.selecting import candidates


def _as_list(value: object) -> object:
    return (
        [str(v) if isinstance(v, Path) else v for v in value] if isinstance(value, (list, tuple)) else value
    )


MOST_PERMUTATIONS = 100_000
BIDS_CHOICES = ("subjects", "sessions", "tasks", "runs", "space")
Labels = Annotated[tuple[str, ...], BeforeValidator(several_texts)]
"""Type of a selection of subjects, sessions, tasks or runs: text, a number, or several of them."""


class DataConfig(Options):
    """The images of a run."""

    images: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = Field(
        (),
        description="Paths or patterns (*) of the images, relative to the recipe: BOLD files, one 4-D file, "
        "z-maps, or a folder of z-maps. They are joined in the order of this list; the matches of a pattern "
        "and the files of a folder are sorted. Leave empty if bids is given.",
        json_schema_extra={"mode": "files"},
    )
    bids: str | None = Field(
        None,
        description="Instead of images: a BIDS dataset or an fMRIPrep output folder. BOLD files, brain "
        "masks, events, confounds and anatomy are found by their BIDS names.",
        json_schema_extra={"mode": "folder"},
    )
    subjects: Labels = Field((), description="Subjects of the dataset to use; empty: all.")
    sessions: Labels = Field((), description="Sessions of the dataset to use; empty: all.")
    tasks: Labels = Field((), description="Tasks of the dataset to use; empty: all.")
    runs: Labels = Field((), description="Runs of the dataset to use; empty: all.")
    space: str | None = Field(
        None,
        description='Space of the dataset\'s images: "native", "T1w", "MNI152NLin2009cAsym:res-2"; required '
        "if there are several.",
    )
    tr: float | None = Field(
        None,
        gt=0,
        le=3600,
        description="Repetition time (TR) in seconds, if the header's is missing or wrong; empty: read from "
        "the header or from the image's JSON file. Images with a TR are a time series.",
        json_schema_extra={"unit": "s"},
    )
    kind: KindChoice = Field(
        "auto",
        description="Kind of images: bold (a time series, with a TR) or stat (maps such as z-maps or betas, "
        "without a TR); anatomy, mask and atlas are rarely decoded. auto decides from file names, headers "
        "and values, and reports its choice.",
    )
    mask: MaskField | None = Field(
        None,
        description="A mask file, or a mask strategy with its options. Without a mask, all voxels are used.",
    )
    anatomy: str | None = Field(
        None,
        description="Anatomical image to show beneath the results.",
        json_schema_extra={"mode": "file"},
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        selected = [name for name in BIDS_CHOICES if getattr(self, name)]
        if bool(self.images) == bool(self.bids):
            raise ValueError("give either images or bids")
        if self.tr is not None and self.kind not in ("auto", "bold"):
            raise ValueError(
                f'tr = {self.tr:g} declares a time series, but kind = "{self.kind}" declares images that are '
                "not a time series; remove one of the two"
            )
        if selected and not self.bids:
            raise ValueError(
                f"{', '.join(selected)} can only be used with a dataset: set bids, or remove this selection"
            )
        return self


class CompareConfig(Options):
    """Another decoder, trained and tested on the same samples and folds."""

    decoder: DecoderField = Field(description="Name of a decoder, and its options.")
    training: TrainingConfig = Field(TrainingConfig(), description="How this decoder is trained.")


class NullConfig(Options):
    """The permutation test that a score is compared with."""

    permutations: int = Field(
        0,
        ge=0,
        le=MOST_PERMUTATIONS,
        description="Number of permutations: block labels are permuted within runs, and everything is fitted "
        "again. 0: no permutation test.",
        json_schema_extra={"basic": True},
    )

    compared: bool = Field(
        True,
        description="Also fit the decoders of [[compare]] under each permutation, to report what choosing "
        "the best of them costs: a p value by the maximum statistic. It takes as long as their permutation "
        "tests.",
    )

    @field_validator("permutations", mode="before")
    @classmethod
    def _check_number(cls, permutations: object) -> object:
        if isinstance(permutations, int) and permutations > MOST_PERMUTATIONS:
            raise ValueError(
                f"at most {MOST_PERMUTATIONS} permutations are possible, since each fits all folds again; "
                f"1000 resolve p-values down to 0.001, {MOST_PERMUTATIONS} down to 0.00001. Set fewer"
            )
        return permutations


class AuditConfig(Options):
    """Findings of the audit that the user overrides."""

    allow: tuple[str, ...] = Field(
        (), description="Codes of audit findings that are overridden on purpose; the report lists them."
    )


class Recipe(Options):
    """A complete run: images, labels, preparation, split, decoder, training, null, audit and report.

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
    labels: LabelsField = Field(description="Label and run of each volume.")
    zmaps: ZMapsConfig | None = Field(
        None, description="Decode z-maps computed from the series with these options, instead of its volumes."
    )
    prepare: PrepareConfig = Field(PrepareConfig(), description="Preparation of samples from the images.")
    slab: SlabConfig | None = Field(None, description="Rotate the images and cut a slab before decoding.")
    split: SplitConfig = Field(SplitConfig(), description="Training and test sets.")
    decoder: DecoderField = Field(description="Name of a decoder, and its options.")
    training: TrainingConfig = Field(TrainingConfig(), description="Training of the decoder.")
    compare: tuple[CompareConfig, ...] = Field(
        (), description="Other decoders to compare with on the same folds."
    )
    baseline: BaselineConfig = Field(
        BaselineConfig(), description="Simple models that the decoder is compared with."
    )
    null: NullConfig = Field(NullConfig(), description="Permutation test of the score.")
    audit: AuditConfig = Field(AuditConfig(), description="Audit findings that are overridden on purpose.")
    report: ReportConfig = Field(ReportConfig(), description="Contents of the report.")
    where: WhereConfig | None = Field(
        None, description="Decode at many places in the brain, by fmri-decoder where; train does not read it."
    )

    @model_validator(mode="after")
    def _check_candidates(self) -> Self:
        pairs = [(self.decoder, self.training), *((c.decoder, c.training) for c in self.compare)]
        for decoder, training in pairs:
            try:
                candidates(decoder, training)
            except InputError as error:
                raise ValueError(str(error).rstrip(".")) from error
        return self

    def to_toml(self) -> str:
        """Write the recipe as TOML, without empty options."""
        return tomli_w.dumps(_plain(self.written()))

    def written(self) -> dict[str, Any]:
        """Return the tables of the recipe as written to a file, without empty and unused options."""
        content = self.model_dump(mode="json", exclude_none=True)
        add_packages(self, content)
        content["training"] = self.training.written(self.decoder)
        for other, table in zip(self.compare, content["compare"], strict=True):
            table["training"] = other.training.written(other.decoder)
        return content

    def with_training_resolved(self) -> Recipe:
        """Set every training option, of the compared decoders too."""
        compare = tuple(
            other.model_copy(update={"training": other.training.resolved(other.decoder)})
            for other in self.compare
        )
        return self.model_copy(update={"training": self.training.resolved(self.decoder), "compare": compare})


def _plain(value: Any) -> Any:
    """Remove empty tables, in which everything has its default."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if v != {}}
    return value
