"""What to do after napari's own writers were asked for a NIfTI file, instead of napari's error."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import ErrorNotification, notification_manager

from napari_fmri_decoder._napari.qt.notifications import show_instead

if TYPE_CHECKING:
    from napari.utils.notifications import Notification

_FAILED = re.compile(r"File (?P<path>.+?\.nii(?:\.gz)?) save failed\.", re.IGNORECASE | re.DOTALL)
ADVICE = (
    "{} was not saved. Select 'napari-fmri-decoder NIfTI' as the file type of the dialog, or right-click "
    "the layer and choose 'Save as NIfTI…'."
)


def advise_on_saving() -> None:
    """Replace napari's message about a NIfTI file that it could not save, from now on."""
    # called after napari has shown it; connecting the same function again changes nothing
    notification_manager.notification_ready.connect(replace_failure)


def replace_failure(notification: Notification) -> None:
    """Show what to do instead of a notification about a NIfTI file that was not saved."""
    error = notification.exception if isinstance(notification, ErrorNotification) else None
    failed = _FAILED.match(str(error)) if isinstance(error, OSError) else None
    if failed is not None:
        show_instead(ADVICE.format(Path(failed["path"]).name), notification.message)
