"""File > Open Sample: each command returns the layers of one sample.

Chosen in the menu, a sample that can be decoded opens with all its settings, as on the Start page. Scripts
get its layers alone; it is made or downloaded in a thread, so that the window is still drawn, but takes no
clicks meanwhile, because napari waits for the layers.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING, TypeVar, cast

from napari.utils import progress
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QApplication

from napari_fmri_decoder._napari.guide.samples import SampleOpener
from napari_fmri_decoder._napari.layers.to_layer import to_layer
from napari_fmri_decoder._napari.qt.context_menu import offer_saving
from napari_fmri_decoder._napari.qt.docks import open_dock
from napari_fmri_decoder._napari.qt.opened_by import opened_by_hand
from napari_fmri_decoder._napari.viewer.current import current_viewer
from napari_fmri_decoder._napari.viewer.session import Session

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.layers.to_layer import LayerData
    from napari_fmri_decoder._napari.view.dock import ViewDock
    from napari_fmri_decoder.volumes.volume import Volume

Result = TypeVar("Result")


def mni_anatomy() -> list[LayerData]:
    """Open the MNI152 template shipped with nilearn."""
    from napari_fmri_decoder.samples.example_data import open_data

    return _layers(run_in_thread(open_data.mni_anatomy, "Reading the MNI152 template"))  # loads nilearn


def motor_map() -> list[LayerData]:
    """Open the motor z-map shipped with nilearn; it overlays the MNI anatomy."""
    from napari_fmri_decoder.samples.example_data import open_data

    return _layers(run_in_thread(open_data.motor_map, "Reading the motor map"))


def phantom() -> list[LayerData]:
    """Open the phantom: its anatomy, and a series with the conditions eyes closed and eyes open."""
    if _opened_with_settings("phantom"):
        return []
    from napari_fmri_decoder.samples.example_data.phantom import make_phantom

    made = run_in_thread(make_phantom, "Simulating the phantom")
    return _layers(made.anatomy, made.bold)


def category_maps() -> list[LayerData]:
    """Open simulated z-maps of 26 categories, 4 sessions of 130 maps, and their mask, hidden."""
    if _opened_with_settings("category_maps"):
        return []
    from napari_fmri_decoder.samples.example_data.maps import make_sample_maps

    maps, mask = _layers(*run_in_thread(make_sample_maps, "Simulating z-maps"))
    mask[1]["visible"] = False
    return [maps, mask]


def haxby_2001() -> list[LayerData]:
    """Open one subject of Haxby 2001, downloaded by nilearn if needed."""
    if _opened_with_settings("haxby_2001"):
        return []
    from napari_fmri_decoder.samples.example_data import open_data

    made = run_in_thread(open_data.haxby_2001, "Downloading Haxby 2001")
    return _layers(*(v for v in (made.anatomy, made.bold, made.mask) if v is not None))


def _opened_with_settings(name: str) -> bool:
    """Open a sample with all settings if a person chose it, and show the Start page."""
    viewer = current_viewer()
    if viewer is None or not opened_by_hand():
        return False
    view = cast("ViewDock", open_dock(viewer, "View"))
    view.tabs.setCurrentIndex(0)
    Session.of(viewer).part(SampleOpener).open(name)
    return True


def _layers(*volumes: Volume) -> list[LayerData]:
    """Make layers, unless the first axis of a series would conflict with that of an open one."""
    viewer = current_viewer()
    if viewer is not None:
        session = Session.of(viewer)
        offer_saving()
        for volume in volumes:
            session.refuse_mixing(volume)
    return [to_layer(volume) for volume in volumes]


def run_in_thread(make: Callable[[], Result], description: str) -> Result:
    """Call `make` in a thread and wait for it, while the window is drawn."""
    if QApplication.instance() is None:
        return make()
    made: list[Result] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            made.append(make())
        except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
            errors.append(error)

    thread, loop, poll = Thread(target=work, daemon=True), QEventLoop(), QTimer()
    poll.timeout.connect(lambda: None if thread.is_alive() else loop.quit())
    poll.start(30)
    with progress(desc=description, total=0):
        thread.start()
        loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
    if errors:
        raise errors[0]
    return made[0]
