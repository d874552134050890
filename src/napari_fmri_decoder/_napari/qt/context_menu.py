"""Commands in the context menu of napari's layer list, to which a manifest cannot add (napari 0.9)."""

from __future__ import annotations

from app_model import Application
from app_model.types import Action, MenuRule

from napari_fmri_decoder._napari.qt.save_advice import advise_on_saving

MENU = "napari/layers/context"
SAVE = "napari-fmri-decoder.save_as_nifti.context"
"""Name of the command; the one in napari's File menu, from the manifest, is the same function."""


def offer_saving() -> None:
    """Add *Save as NIfTI…*, once, and explain failed attempts to save NIfTI files otherwise."""
    advise_on_saving()
    app = Application.get_app("napari")
    if app is None or SAVE in app.commands:
        return
    app.register_action(
        Action(
            id=SAVE,
            title="Save as NIfTI…",
            callback="napari_fmri_decoder._napari.save_as_nifti:save_selected",
            menus=[MenuRule(id=MENU, group="navigation")],
            palette=False,
        )
    )
