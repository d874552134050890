"""Make the recipe of a run from the choices in the docks; the command line can run the same recipe.

Files that are on disk are used in place. All other data are written into the run folder first, so that
``fmri-decoder train RUN/recipe.toml --out ELSEWHERE`` gives the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.viewer.folders import folder_of
from napari_fmri_decoder._napari.viewer.preparation import slab_in_use
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.baseline_config import BaselineConfig
from napari_fmri_decoder.recipe import (
    AuditConfig,
    CompareConfig,
    DataConfig,
    NullConfig,
    Recipe,
    rebased,
)
from napari_fmri_decoder.samples.labels import LabelsConfig, label_table
from napari_fmri_decoder.samples.labels.table import TableLabels
from napari_fmri_decoder.samples.masks.given import FileMask
from napari_fmri_decoder.volumes.kind_and_tr import stated_kind
from napari_fmri_decoder.volumes.read import read
from napari_fmri_decoder.volumes.volume import Part, Volume

if TYPE_CHECKING:
    import pandas as pd

    from napari_fmri_decoder._napari.viewer.state import Preparation, State
    from napari_fmri_decoder.decoders import Decoder
    from napari_fmri_decoder.samples.masks import MaskConfig
    from napari_fmri_decoder.samples.prepare_config import PrepareConfig
    from napari_fmri_decoder.samples.split_config import SplitConfig
    from napari_fmri_decoder.training.config import TrainingConfig

LABEL_COLUMNS = ["volume", "label", "subject", "session", "run"]


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """Values of the forms in the Train dock."""

    decoder: Decoder
    training: TrainingConfig
    split: SplitConfig
    prepare: PrepareConfig
    null: NullConfig
    baseline: BaselineConfig = field(default_factory=BaselineConfig)
    allow: tuple[str, ...] = ()
    use_slab: bool = True
    compare: tuple[CompareConfig, ...] = ()

    def fields(self, preparation: Preparation) -> dict[str, Any]:
        """Return the fields of a recipe that do not depend on its files; the slab is the one in use."""
        return {
            "prepare": self.prepare,
            "slab": slab_in_use(preparation) if self.use_slab else None,
            "split": self.split,
            "decoder": self.decoder,
            "training": self.training,
            "compare": self.compare,
            "null": self.null,
            "baseline": self.baseline,
            "audit": AuditConfig(allow=self.allow),
        }

    def sections(self) -> dict[str, dict[str, Any]]:
        """Return the values of the forms as sections of a recipe, without empty options."""
        return {
            name: getattr(self, name).model_dump(mode="json", exclude_none=True)
            for name in ("decoder", "training", "split", "prepare", "null", "baseline")
        }


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A run that is ready to start.

    Attributes
    ----------
    folder : Path
        Run folder; the paths of the recipe are relative to it.
    recipe : Recipe
    volumes : tuple of (Path, Volume)
    tables : tuple of (Path, DataFrame)
        Volumes and tables that are not on disk, to be written before the run.
    """

    folder: Path
    recipe: Recipe
    volumes: tuple[tuple[Path, Volume], ...] = ()
    tables: tuple[tuple[Path, pd.DataFrame], ...] = ()


def plan_run(state: State, series: Volume, anatomy: Volume | None, choices: Choices, folder: Path) -> Plan:
    """Make the recipe of the choices in the docks.

    Parameters
    ----------
    state : State
        With the table of labels.
    series : Volume
        Chosen in Prepare.
    anatomy : Volume or None
    choices : Choices
    folder : Path
        Run folder.

    Raises
    ------
    InputError
        If there are no labels, or not one per volume.
    """
    table = state.labeling.table
    if table is None or len(table) != series.n_volumes:
        found = "there are no labels" if table is None else f"there are {len(table)} labels"
        raise InputError(
            f"Each of the {series.n_volumes} volumes of {series.name} needs a label, but {found}. "
            "Set them in the Labels dock."
        )
    folder, base = folder.absolute(), folder_of(series)
    data = folder / "data"
    images, volumes = _images(series, data)
    tr = None if volumes else stated_tr(series)
    mask, painted = _mask(state.preparation, data)
    labels, tables = _labels(state.labeling.labels, table, images, data, base)
    recipe = Recipe(
        data=DataConfig(
            images=tuple(part.path for part in images.parts),
            tr=tr,
            kind=stated_kind(series) or "auto",
            mask=mask,
            anatomy=str(Path(anatomy.parts[0].path).absolute()) if anatomy and anatomy.parts else None,
        ),
        labels=labels,
        **choices.fields(state.preparation),
    )
    return Plan(folder, rebased(recipe, base, folder), (*volumes, *painted), tables)


Volumes = tuple[tuple[Path, Volume], ...]
Tables = tuple[tuple[Path, "pd.DataFrame"], ...]


def _images(series: Volume, data: Path) -> tuple[Volume, Volumes]:
    """The series with the files that it will be read from, and volumes to write for it."""
    if _is_on_disk(series):
        parts = tuple(Part(str(Path(part.path).absolute()), part.n_volumes) for part in series.parts)
        return replace(series, parts=parts), ()
    path = data / ("bold.nii.gz" if series.kind == "bold" else "maps.nii.gz")
    return replace(series, parts=(Part(str(path), series.n_volumes),)), ((path, series),)


def _mask(preparation: Preparation, data: Path) -> tuple[MaskConfig | None, Volumes]:
    """The strategy that made the mask, or the file of a painted mask, which is written."""
    if preparation.mask is None or preparation.mask_config is not None:
        return preparation.mask_config, ()
    path = data / "mask.nii.gz"
    return FileMask(path=str(path)), ((path, preparation.mask),)


def _labels(
    labels: LabelsConfig | None, table: pd.DataFrame, images: Volume, data: Path, base: Path
) -> tuple[LabelsConfig, Tables]:
    """The label source, if it gives the same table for these images; otherwise a table to write."""
    if labels is not None and _still_gives(labels, images, table, base):
        return labels, ()
    path = data / "volumes.tsv"
    exclude = labels.excluded(table["label"]) if labels else ()
    # missing labels are written as empty cells, so that a class may be called NA
    return TableLabels(table=str(path), exclude=exclude, missing=("n/a",)), ((path, table[LABEL_COLUMNS]),)


def _is_on_disk(series: Volume) -> bool:
    """Whether reading its files gives this series, which is not so after it was cut or painted."""
    if not series.parts or not all(Path(part.path).exists() for part in series.parts):
        return False
    first = read(series.parts[0].path, kind=stated_kind(series))
    n = sum(part.n_volumes for part in series.parts)
    has_tr = first.step == series.step or series.step is not None  # the recipe can state another TR
    return n == series.n_volumes and first.grid.same_as(series.grid) and has_tr


def stated_tr(series: Volume) -> float | None:
    """The TR to state in the recipe, if it is not that of the files."""
    kind = stated_kind(series)
    return None if read(series.parts[0].path, kind=kind).step == series.step else series.step


def _still_gives(labels: LabelsConfig, series: Volume, table: pd.DataFrame, base: Path) -> bool:
    """Whether the label source still gives this table for the series as the run will read it."""
    try:
        again, _ = label_table(labels, series, base)
    except InputError:
        return False
    return again.equals(table)
