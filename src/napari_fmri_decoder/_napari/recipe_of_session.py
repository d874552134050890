"""From what the docks hold to the recipe that the command line runs as well.

What is on disk already is named where it lies; the rest is written into the run folder first, so
that ``fmri-decoder train RUN/recipe.toml --out ELSEWHERE`` gives the same numbers.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline import (
    PipelineEvent,
    Prepared,
    RunDone,
    RunResult,
    Stage,
    prepare_steps,
    run,
    run_apart,
)
from napari_fmri_decoder.pipeline.folder import SCORES
from napari_fmri_decoder.recipe import (
    AuditConfig,
    CompareConfig,
    DataConfig,
    NullConfig,
    Recipe,
    rebased,
)
from napari_fmri_decoder.samples.audit import checks
from napari_fmri_decoder.samples.labels import LabelsConfig, label_table
from napari_fmri_decoder.samples.labels.table import TableLabels
from napari_fmri_decoder.samples.masks.given import FileMask
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.training.cluster import SERIAL
from napari_fmri_decoder.training.outlook import Outlook, look_ahead
from napari_fmri_decoder.volumes.nifti import read, write
from napari_fmri_decoder.volumes.settling import STATED
from napari_fmri_decoder.volumes.volume import Kind, Part, Volume
from napari_fmri_decoder.volumes.watched import StoppedReading

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from napari_fmri_decoder._napari.state import State
    from napari_fmri_decoder._napari.watch import Watch
    from napari_fmri_decoder.decoders import Decoder
    from napari_fmri_decoder.samples.masks import MaskConfig
    from napari_fmri_decoder.samples.prepare import PrepareConfig
    from napari_fmri_decoder.samples.splits import SplitConfig
    from napari_fmri_decoder.training.config import TrainingConfig

RUNS = Path.home() / "fmri-decoder"
"""Where the dock keeps run folders unless another folder is chosen."""
_given: set[Path] = set()
"""Names that runs of this session were given."""

LABEL_COLUMNS = ["volume", "label", "subject", "session", "run"]


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """What the forms of the Train dock say."""

    decoder: Decoder
    training: TrainingConfig
    split: SplitConfig
    prepare: PrepareConfig
    null: NullConfig
    allow: tuple[str, ...] = ()
    use_slab: bool = True
    compare: tuple[CompareConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class Where:
    """Where a run is computed: in worker processes, in a separate process, or in napari's own."""

    cluster: str = SERIAL
    apart: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A run that is ready to start.

    Attributes
    ----------
    folder : Path
        Of the run; the recipe's paths start from it.
    recipe : Recipe
    volumes : tuple of (Path, Volume)
        To be written first.
    tables : tuple of (Path, DataFrame)
        To be written first.
    """

    folder: Path
    recipe: Recipe
    volumes: tuple[tuple[Path, Volume], ...] = ()
    tables: tuple[tuple[Path, pd.DataFrame], ...] = ()


def run_folder(parent: Path, decoder: str, now: datetime) -> Path:
    """Name a run folder that is not there yet, and was given to no other run: <date>-<time>_<decoder>."""
    stem = f"{now:%Y-%m-%d_%H-%M-%S}_{decoder}"
    paths = (parent / (stem if i == 1 else f"{stem}_{i}") for i in count(1))
    folder = next(path for path in paths if path not in _given and not path.exists())
    _given.add(folder)  # the run before may not have made its own yet, and takes it away if it is stopped
    return folder


def plan_run(state: State, series: Volume, anatomy: Volume | None, choices: Choices, folder: Path) -> Plan:
    """Make the recipe of what the docks hold.

    Parameters
    ----------
    state : State
        With the table of labels.
    series : Volume
        The chosen series.
    anatomy : Volume or None
    choices : Choices
    folder : Path
        Of the run.

    Raises
    ------
    InputError
        If labels are missing, or belong to another series.
    """
    table = state.table
    if table is None or len(table) != series.n_volumes:
        found = "there are none" if table is None else f"there are {len(table)}"
        raise InputError(
            f"Each of the {series.n_volumes} volumes of {series.name} needs its label, but {found}. "
            "Make them in the dock Labels."
        )
    folder, beside = folder.absolute(), base_of(series)
    data = folder / "data"
    images, volumes = _images(series, data)
    tr = None if volumes else _stated_tr(series)
    mask, painted = _mask(state, data)
    labels, tables = _labels(state, images, data, beside)
    recipe = Recipe(
        data=DataConfig(
            images=tuple(part.path for part in images.parts),
            tr=tr,
            kind=stated_kind(series) or "auto",
            mask=mask,
            anatomy=str(Path(anatomy.parts[0].path).absolute()) if anatomy and anatomy.parts else None,
        ),
        labels=labels,
        prepare=choices.prepare,
        slab=_slab(state) if choices.use_slab else None,
        split=choices.split,
        decoder=choices.decoder,
        training=choices.training,
        compare=choices.compare,
        null=choices.null,
        audit=AuditConfig(allow=choices.allow),
    )
    return Plan(folder, rebased(recipe, beside, folder), (*volumes, *painted), tables)


Volumes = tuple[tuple[Path, Volume], ...]
Tables = tuple[tuple[Path, "pd.DataFrame"], ...]


def _images(series: Volume, data: Path) -> tuple[Volume, Volumes]:
    """Give the series with the files that it will be read from, and what has to be written for it."""
    if _is_on_disk(series):
        parts = tuple(Part(str(Path(part.path).absolute()), part.n_volumes) for part in series.parts)
        return replace(series, parts=parts), ()
    path = data / ("bold.nii.gz" if series.kind == "bold" else "maps.nii.gz")
    return replace(series, parts=(Part(str(path), series.n_volumes),)), ((path, series),)


def _mask(state: State, data: Path) -> tuple[MaskConfig | None, Volumes]:
    """Give the strategy that made the mask, or its file, which for a painted one has to be written."""
    if state.mask is None or state.mask_options is not None:
        return state.mask_options, ()
    path = data / "mask.nii.gz"
    return FileMask(path=str(path)), ((path, state.mask),)


def _labels(state: State, images: Volume, data: Path, base: Path) -> tuple[LabelsConfig, Tables]:
    """Give the labels' own source where it makes the same table of these images, else a table to write."""
    labels: LabelsConfig | None = state.labels
    if labels is not None and _gives(labels, images, state.table, base):
        return labels, ()
    path = data / "volumes.tsv"
    exclude = labels.excluded(state.table["label"]) if labels else ()
    # what is missing is written as an empty cell, so that a class may be called NA
    return TableLabels(table=str(path), exclude=exclude, missing=("n/a",)), (
        (path, state.table[LABEL_COLUMNS]),
    )


def base_of(series: Volume) -> Path:
    """Folder that relative paths of labels and masks start from: that of the series."""
    return Path(series.parts[0].path).absolute().parent if series.parts else Path.cwd()


def carry_out(
    plan: Plan, watch: Watch, *, resume: bool = False, cluster: str = SERIAL, apart: bool = False
) -> Generator[PipelineEvent, None, RunResult | None]:
    """Write what is not on disk, then run the recipe; see `pipeline.run`.

    A folder that was made for it goes again if the run cannot begin.

    Parameters
    ----------
    plan : Plan
    watch : Watch
        Counts the volumes that are read, and ends the reading after a stop.
    resume : bool
        Whether the folder holds this run, stopped, which goes on.
    cluster : str
        Where folds and permutations are computed.
    apart : bool
        Whether to run in a process of its own; see `pipeline.run_apart`.
    """
    result: RunResult | None = None
    if not resume and (plan.folder / SCORES).exists():
        raise InputError(f"A run needs a folder of its own, but {plan.folder} holds another. Choose another.")
    new, begun = not plan.folder.exists(), False
    try:
        if not resume:
            yield from _written(plan)
        where = plan.recipe, plan.folder, plan.folder
        if apart:
            events = run_apart(*where, watch.tell, resume=resume, cluster=cluster)
        else:
            events = run(*where, watch.over, resume=resume, cluster=cluster)
        with closing(events):
            for event in events:
                begun |= isinstance(event, Prepared)
                if isinstance(event, RunDone):
                    result = event.result
                yield event
    except StoppedReading:
        yield Stage("Stopped")  # a worker sees a stop only between yields
    finally:
        if new and not begun:
            shutil.rmtree(plan.folder, ignore_errors=True)
    return result


def check(plan: Plan, watch: Watch) -> Generator[PipelineEvent | Outlook, None, None]:
    """Do all that a run does before training, and find what the audit finds without being stopped by it.

    The plan's folder goes in the end.

    Yields
    ------
    Stage, Prepared
    Outlook
        What training will take.
    """
    try:
        yield from _written(plan)
        yield Stage("Reading and preparing")
        lenient = plan.recipe.model_copy(update={"audit": AuditConfig(allow=tuple(checks))})
        prepared = yield from prepare_steps(lenient, plan.folder, watch.over)
        yield prepared
        yield Stage("Trying a few batches")
        yield look_ahead(lenient.decoder, prepared.samples, prepared.splits, lenient.training)
    except StoppedReading:
        yield Stage("Stopped")
    finally:
        shutil.rmtree(plan.folder, ignore_errors=True)


def _written(plan: Plan) -> Generator[PipelineEvent, None, None]:
    for path, volume in plan.volumes:
        yield Stage(f"Writing {path.name}")
        write(volume, path)
    for path, table in plan.tables:
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(path, sep="\t", index=False)
    plan.folder.mkdir(parents=True, exist_ok=True)
    (plan.folder / "recipe.toml").write_text(plan.recipe.to_toml(), encoding="utf-8")


def _is_on_disk(series: Volume) -> bool:
    """Whether reading its files gives this series: they do not once it was cut or painted."""
    if not series.parts or not all(Path(part.path).exists() for part in series.parts):
        return False
    first = read(series.parts[0].path, kind=stated_kind(series))
    n = sum(part.n_volumes for part in series.parts)
    timed = first.step == series.step or series.step is not None  # another TR can be stated
    return n == series.n_volumes and first.grid.same_as(series.grid) and timed


def _stated_tr(series: Volume) -> float | None:
    """The TR that the recipe has to state, where it is not that of the files."""
    kind = stated_kind(series)
    return None if read(series.parts[0].path, kind=kind).step == series.step else series.step


def stated_kind(series: Volume) -> Kind | None:
    """Give the kind of a series where it was chosen in the tab Header, or by a recipe."""
    return series.kind if series.kind_from == STATED else None


def _gives(labels: LabelsConfig, series: Volume, table: pd.DataFrame, base: Path) -> bool:
    """Whether the labels' own source still makes this table, of the series as the run will read it."""
    try:
        again, _ = label_table(labels, series, base)
    except InputError:
        return False
    return again.equals(table)


def _slab(state: State) -> SlabConfig | None:
    """The slab that the viewer shows, voxel for voxel."""
    if state.slab is None:
        return None
    slab = SlabConfig(**{name: getattr(state.slab, name) for name in state.slab.__dataclass_fields__})
    return slab.resolved(state.where.scanner) if state.where is not None else slab
