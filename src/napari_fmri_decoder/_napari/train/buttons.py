"""The buttons of the Train dock, each with the reason why it cannot be used now."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from magicgui.widgets import Container

from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.notifications import guard

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.train.dock import TrainDock
    from napari_fmri_decoder._napari.train.reasons import Reasons

CHECK = "Prepare the samples and run the audit, without training."
TRAIN = "Train all folds, and show the results over the anatomy."
STOP = "Stop immediately. Completed work is kept; Resume continues it."
RESUME = "Resume the stopped run with its original settings."


class RunButtons(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """Check, Train, Stop and Resume, in a row.

    Parameters
    ----------
    dock : TrainDock

    Attributes
    ----------
    check, train, stop, resume : PushButton
    """

    def __init__(self, dock: TrainDock) -> None:
        super().__init__(name="buttons", layout="horizontal", labels=False)
        self.margins = (0, 0, 0, 0)
        self.check = push_button("check_button", "Check", CHECK)
        self.train = push_button("train_button", "Train", TRAIN)
        self.stop = push_button("stop_button", "Stop", STOP)
        self.resume = push_button("resume_button", "Resume", RESUME)
        works = {self.check: dock.check, self.train: dock.run, self.stop: dock.stop, self.resume: dock.resume}
        for button, work in works.items():
            button.changed.connect(guard(dock.message)(partial(work, wait=False)))
            self.append(button)

    def refresh(self, reasons: Reasons) -> None:
        """Enable the buttons that can be used; the others show the reason in their tooltips."""
        no_start = reasons.no_start()
        whys = {
            self.stop: reasons.no_stop(),
            self.resume: reasons.no_resume(),
            self.check: no_start,
            self.train: no_start,
        }
        for button in sorted(whys, key=lambda button: bool(whys[button])):
            set_available(button, whys[button])
