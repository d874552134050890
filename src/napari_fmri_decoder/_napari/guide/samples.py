"""Samples that open with their mask, slab, labels and network, ready for Train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.qt.notifications import notify_note
from napari_fmri_decoder._napari.qt.session_job import SessionJob
from napari_fmri_decoder._napari.qt.workers import run_generator
from napari_fmri_decoder._napari.results.session_from_recipe import RecipeData, show_recipe_data
from napari_fmri_decoder._napari.viewer.folders import folder_of
from napari_fmri_decoder._napari.viewer.preparation import Masked, mask_from_config
from napari_fmri_decoder._napari.viewer.undo import all_or_nothing
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.demo import demo_recipe
from napari_fmri_decoder.recipe import Recipe, make_recipe
from napari_fmri_decoder.samples.example_data.phantom_design import BLOCK_LENGTH, N_RUNS, RUN_LENGTH
from napari_fmri_decoder.samples.labels import label_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.volumes.volume import Volume

_TIMES = N_RUNS * RUN_LENGTH // (2 * BLOCK_LENGTH)
PHANTOM_MASK = {"strategy": "threshold", "above": 0.0}
"""The phantom is 0 outside brain and eyes."""
PHANTOM_LABELS = {
    "source": "blocks",
    "blocks": f"{BLOCK_LENGTH} closed, {BLOCK_LENGTH} open, {_TIMES} times",
    "chunk": RUN_LENGTH,
}
MAP_LABELS = {"source": "filename", "pattern": r"ses-(?P<run>\d+)_cat-(?P<label>[a-z])_"}
_IMAGES = {"images": "sample.nii.gz"}  # a recipe names files; those of a sample are in memory


def phantom_recipe() -> Recipe:
    """The settings of the phantom: those of the demo, with mask and labels that need no files."""
    content = demo_recipe().model_dump(mode="json", exclude_none=True)
    own = {"data": {**_IMAGES, "mask": PHANTOM_MASK}, "labels": PHANTOM_LABELS}
    return make_recipe(content | own, "the recipe of the phantom")


def make_phantom_data() -> RecipeData:
    """Simulate the phantom, and make its mask, slab and labels."""
    from napari_fmri_decoder.samples.example_data.phantom import make_phantom

    made, recipe = make_phantom(), phantom_recipe()
    return recipe_data(recipe, made.bold, made.anatomy)


def make_map_data() -> RecipeData:
    """Simulate z-maps of 26 categories, with their mask and labels."""
    from napari_fmri_decoder.samples.example_data.maps import make_sample_maps

    maps, mask = make_sample_maps()
    content = {"data": _IMAGES, "labels": MAP_LABELS, "decoder": {"name": "lda"}}
    return recipe_data(make_recipe(content, "the recipe of the z-maps"), maps, mask=Masked(mask, None))


def make_haxby_data() -> RecipeData:
    """Read Haxby 2001, downloaded if needed, with its mask and labels."""
    from nilearn.datasets import fetch_haxby

    from napari_fmri_decoder.samples.example_data.open_data import HAXBY_SUBJECT, haxby_2001

    made = haxby_2001()
    attributes = fetch_haxby(subjects=[HAXBY_SUBJECT], verbose=0).session_target[0]  # already on disk
    content = {
        "data": _IMAGES,
        "labels": {"source": "pymvpa", "attributes": str(attributes), "exclude": ["rest"]},
        "prepare": {"detrend": True, "standardize_runs": True},
        "decoder": {"name": "lda"},
    }
    recipe = make_recipe(content, "the recipe of Haxby 2001")
    return recipe_data(recipe, made.bold, made.anatomy, Masked(made.mask, None))


def recipe_data(
    recipe: Recipe, series: Volume, anatomy: Volume | None = None, mask: Masked | None = None
) -> RecipeData:
    """Make mask, slab and labels by the recipe."""
    if recipe.data.mask is not None:
        mask = mask_from_config(recipe.data.mask, series)
    slab = recipe.slab.placed(series, mask.mask if mask else None) if recipe.slab is not None else None
    table, _ = label_table(recipe.labels, series, folder_of(series))
    return RecipeData(recipe, series, anatomy, mask, slab, table)


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample with all settings.

    Attributes
    ----------
    title, about : str
    expect : str
        What to press next, and the score to expect.
    make : callable
        Makes the data, in a thread.
    """

    title: str
    about: str
    expect: str
    make: Callable[[], RecipeData]


SAMPLES = {
    "phantom": Sample(
        "Phantom: eyes open or closed",
        "A simulated scan of 6 runs, in which the eyes are open or closed. Simulated in a few seconds.",
        "Next: press Train. A small network learns from three planes through the eyes and the visual cortex, "
        "six times, each time without one run. Expect an accuracy of about 0.91 on the runs held out; "
        "chance is 0.50.",
        make_phantom_data,
    ),
    "category_maps": Sample(
        "Z-maps of 26 categories",
        "Simulated z-maps: 4 sessions, 26 categories, 5 maps of each. Simulated in a few seconds.",
        "Next: press Train. Linear discriminant analysis learns from three sessions and is tested on the "
        "fourth. Expect an accuracy of about 0.66; chance is 0.04.",
        make_map_data,
    ),
    "haxby_2001": Sample(
        "Haxby 2001, one subject",
        "Real fMRI of faces, houses and six other categories. Downloads 300 MB the first time.",
        "Next: press Train. Linear discriminant analysis learns from 11 runs and is tested on the run held "
        "out, 12 times. Expect an accuracy far above chance, which is 0.125.",
        make_haxby_data,
    ),
}
"""By name, as in napari's File > Open Sample."""


class SampleOpener(SessionJob):
    """Opens samples with all settings, one at a time; get it by `session.part(SampleOpener)`."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        session.changed.connect(self._on_changed)

    def _on_changed(self, name: str) -> None:
        """Take the message back once what it says was done, or no longer applies."""
        if name in ("series", "training", "result", "saved") and self.message:
            self.message = ""
            self.changed.emit()

    def open(self, name: str) -> Job:
        """Start opening a sample; all docks then show its settings.

        Parameters
        ----------
        name : {"phantom", "category_maps", "haxby_2001"}

        Raises
        ------
        InputError
            If another sample is being opened.
        """
        if self.job is not None:
            raise InputError("A sample is being opened. Wait for it.")
        sample = SAMPLES[name]
        self.message = ""
        self.progress.start(f"Opening {sample.title}…")
        job = run_generator(
            sample.make,
            owner=self.owner(),
            description=f"Opening {sample.title}",
            on_done=lambda data: self._done(sample, data),
            on_error=self._failed,
            on_stopped=lambda: self._ended(""),
        )
        self.progress.follow(job, float)
        self.begin(job)
        return job

    def _done(self, sample: Sample, data: RecipeData) -> None:
        message = ""
        try:
            if data.series is not None:
                self.session.refuse_mixing(data.series)
            with all_or_nothing(self.session):
                notify_note(*show_recipe_data(self.session, data))
                self.session.update(recipe=data.recipe)
            message = sample.expect
        finally:
            self._ended(message)

    def _failed(self, error: Any) -> None:
        self._ended(f"Not opened. {error}")

    def _ended(self, message: str) -> None:
        self.message = message
        self.progress.end(message)
        self.end()
