"""The demo in the window: the phantom with mask, slab and labels, ready for Train."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari

from napari_fmri_decoder._napari.qt.dock import to_front
from napari_fmri_decoder._napari.results.session_from_recipe import apply_mask, apply_slab
from napari_fmri_decoder._napari.viewer.folders import folder_of
from napari_fmri_decoder._napari.viewer.preparation import mask_from_config, place_slab
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.pipeline.demo import demo_recipe
from napari_fmri_decoder.samples.example_data.phantom_design import BLOCK_LENGTH, N_RUNS, RUN_LENGTH
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.masks import parse_mask

if TYPE_CHECKING:
    from napari import Viewer

PLUGIN = "napari-fmri-decoder"
SAMPLE = "phantom"
DOCKS = ("Prepare", "Labels", "Train", "Look inside")

MASK = {"strategy": "threshold", "above": 0.0}
"""The phantom is 0 outside brain and eyes."""
_TIMES = N_RUNS * RUN_LENGTH // (2 * BLOCK_LENGTH)
LABELS = {
    "source": "blocks",
    "blocks": f"{BLOCK_LENGTH} closed, {BLOCK_LENGTH} open, {_TIMES} times",
    "chunk": RUN_LENGTH,
}


def open_demo() -> None:
    """Open napari with the demo, and wait until it is closed."""
    set_up(napari.Viewer())
    napari.run()


def set_up(viewer: Viewer) -> None:
    """Open the phantom like File > Open Sample, and set the docks as in the demo's recipe."""
    viewer.open_sample(PLUGIN, SAMPLE)
    prepare, labels, train, _ = (
        viewer.window.add_plugin_dock_widget(PLUGIN, name, tabify=True)[1] for name in DOCKS
    )
    session, recipe = Session.of(viewer), demo_recipe()
    series = session.series
    if series is None or recipe.slab is None:
        raise RuntimeError("The phantom must open as a series, and the recipe of the demo must have a slab.")
    prepare.mask.update(MASK)
    prepare.slab.update(recipe.slab)
    labels.source.update(LABELS)
    train.decoder.update(recipe.decoder)
    train.training.update(epochs=recipe.training.epochs)
    made = mask_from_config(parse_mask(MASK), series)
    apply_mask(session, made)
    apply_slab(session, recipe.slab, place_slab(series, recipe.slab, made.mask, series.mean()))
    config = parse_labels(LABELS)
    session.update(labels=config, table=label_table(config, series, folder_of(series))[0])
    to_front(train.native)
