"""Make the recipe of all subjects of a BIDS folder from the choices in the docks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_fmri_decoder._napari.train.recipe_from_session import stated_tr
from napari_fmri_decoder._napari.viewer.bids_selection import BidsSelection
from napari_fmri_decoder._napari.viewer.folders import folder_of
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.paths import paths_of
from napari_fmri_decoder.recipe import Recipe, rebased
from napari_fmri_decoder.samples.bids.dataset import NATIVE
from napari_fmri_decoder.samples.labels.painted import PaintedLabels
from napari_fmri_decoder.samples.masks.given import FileMask
from napari_fmri_decoder.volumes.kind_and_tr import stated_kind

if TYPE_CHECKING:
    from pathlib import Path

    from napari_fmri_decoder._napari.train.recipe_from_session import Choices
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.samples.labels import LabelsConfig
    from napari_fmri_decoder.samples.masks import MaskConfig
    from napari_fmri_decoder.volumes.volume import Volume

NO_SOURCE = (
    "The labels of all subjects must come from a source, but this table has none. Apply the source events in "
    "the Labels dock."
)
OWN_LABELS = (
    "The labels come from {source}, which belong to this subject. Apply the source events, without files, "
    "in the Labels dock: each subject's events are found by their names."
)
OWN_MASK = (
    "The mask is {what} of one subject, but in the space {space} the same voxel is another place in each "
    "brain. Use a mask strategy without files in the Prepare dock, or open images in a template space."
)
OWN_SPACES = (NATIVE, "T1w")
"""Spaces in which each subject has a different grid."""


@dataclass(frozen=True, slots=True, eq=False)
class StudyPlan:
    """A study that is ready to start.

    Attributes
    ----------
    folder : Path
        For one run folder per subject; the paths of the recipe are relative to it.
    recipe : Recipe
        With a dataset.
    mask : (Path, Volume) or None
        A painted mask, to be written before the runs.
    """

    folder: Path
    recipe: Recipe
    mask: tuple[Path, Volume] | None = None


def plan_study(session: Session, choices: Choices, folder: Path) -> StudyPlan:
    """Make the recipe for the subjects of the BIDS folder that the series was opened from.

    Parameters
    ----------
    session : Session
    choices : Choices
    folder : Path
        For the run folders.

    Raises
    ------
    InputError
        If the series was not opened from a BIDS folder, or labels or mask belong to one subject.
    """
    data = session.part(BidsSelection).study()
    series, preparation = session.series, session.state.preparation
    labels = _labels(session.state.labeling.labels)
    mask, painted = _mask(session, data.space or NATIVE, folder)
    if series is not None:
        stated = {"tr": stated_tr(series), "kind": stated_kind(series) or "auto"}
        data = data.model_copy(update=stated | {"mask": mask})
    each_cuts = replace(preparation, slab_placement=None)  # each subject resolves the slab on its own grid
    recipe = Recipe(data=data, labels=labels, **choices.fields(each_cuts))
    base = folder_of(series) if series is not None else folder
    return StudyPlan(folder.absolute(), rebased(recipe, base, folder.absolute()), painted)


def why_no_study(session: Session) -> str:
    """Return why the subjects cannot be run, or "" if they can."""
    try:
        space = session.part(BidsSelection).study().space or NATIVE
        _labels(session.state.labeling.labels)
        _mask(session, space, None)
    except InputError as error:
        return str(error)
    return ""


def _labels(labels: LabelsConfig | None) -> LabelsConfig:
    """Return the label source, if it also applies to other subjects."""
    if labels is None:
        raise InputError(NO_SOURCE)
    if isinstance(labels, PaintedLabels):
        raise InputError(OWN_LABELS.format(source="painted spans"))
    if any(paths_of(labels)):
        raise InputError(OWN_LABELS.format(source="files"))
    return labels


def _mask(
    session: Session, space: str, folder: Path | None
) -> tuple[MaskConfig | None, tuple[Path, Volume] | None]:
    """Return the mask of all subjects, and a painted one to write; None for each subject's brain masks."""
    mask, config = session.state.preparation.mask, session.state.preparation.mask_config
    if mask is None:
        return None, None
    if config is not None:
        files = {path for _, path in paths_of(config)}
        if files and files <= session.part(BidsSelection).masks:  # of an opened run of one subject
            return None, None
        if files and space in OWN_SPACES:
            raise InputError(OWN_MASK.format(what="a file", space=space))
        return config, None
    if space in OWN_SPACES:
        raise InputError(OWN_MASK.format(what="painted on the image", space=space))
    if folder is None:
        return None, None
    path = folder.absolute() / "data" / "mask.nii.gz"
    return FileMask(path=str(path)), (path, mask)
