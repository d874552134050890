"""The demo in the window: the phantom opened, masked, cut and labelled; only Train is left to press."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari

from napari_fmri_decoder._napari.docks import to_front
from napari_fmri_decoder._napari.prepare_steps import folder_of, mask_of, place_of
from napari_fmri_decoder._napari.session import Session
from napari_fmri_decoder._napari.session_of_recipe import take_mask, take_slab
from napari_fmri_decoder.pipeline.demo import demo_recipe
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.masks import parse_mask
from napari_fmri_decoder.samples.phantom import BLOCK_LENGTH, N_RUNS, RUN_LENGTH

if TYPE_CHECKING:
    from napari import Viewer

PLUGIN = "napari-fmri-decoder"
SAMPLE = "phantom"
DOCKS = ("Prepare", "Labels", "Train", "Look inside")

MASK = {"strategy": "threshold", "above": 0.0}
"""Outside of brain and eyes the phantom is 0."""
_TIMES = N_RUNS * RUN_LENGTH // (2 * BLOCK_LENGTH)
LABELS = {
    "source": "blocks",
    "blocks": f"{BLOCK_LENGTH} closed, {BLOCK_LENGTH} open, {_TIMES} times",
    "chunk": RUN_LENGTH,
}


def open_demo() -> None:
    """Open napari with the demo set up, and wait until it is closed."""
    set_up(napari.Viewer())
    napari.run()


def set_up(viewer: Viewer) -> None:
    """Open the phantom as File > Open Sample does, and fill in the docks as for the demo's recipe."""
    viewer.open_sample(PLUGIN, SAMPLE)
    prepare, labels, train, _ = (
        viewer.window.add_plugin_dock_widget(PLUGIN, name, tabify=True)[1] for name in DOCKS
    )
    session, recipe = Session.of(viewer), demo_recipe()
    series = session.series
    if series is None or recipe.slab is None:
        raise RuntimeError("The phantom must open as a series, and the demo's recipe have a slab.")
    prepare.masking.form.set_values(MASK)
    prepare.slab.form.set_values(recipe.slab)
    labels.form.set_values(LABELS)
    train.setup.decoder.set_values(recipe.decoder)
    train.setup.training.set_values({"epochs": recipe.training.epochs})
    made = mask_of(parse_mask(MASK), series)
    take_mask(session, made)
    take_slab(session, recipe.slab, place_of(series, recipe.slab, made.mask, series.mean()))
    config = parse_labels(LABELS)
    session.update(labels=config, table=label_table(config, series, folder_of(series))[0])
    to_front(train)
