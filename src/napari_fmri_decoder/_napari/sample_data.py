"""File > Open Sample: each command gives the layers of one sample.

What takes seconds, or downloads, is done in a thread while the window goes on drawing; nothing can
be clicked meanwhile, as napari waits for the layers.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from napari.utils import progress
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QApplication

from napari_fmri_decoder._napari.layers import to_layer
from napari_fmri_decoder._napari.reader import current_viewer
from napari_fmri_decoder._napari.session import Session

if TYPE_CHECKING:
    from napari_fmri_decoder._napari.layers import LayerData
    from napari_fmri_decoder.volumes.volume import Volume

Made = TypeVar("Made")


def mni_anatomy() -> list[LayerData]:
    """Open the MNI152 template shipped with nilearn."""
    from napari_fmri_decoder.samples import open_data

    return _layers(open_data.mni_anatomy())


def motor_map() -> list[LayerData]:
    """Open the motor z-map shipped with nilearn; it overlays the MNI anatomy."""
    from napari_fmri_decoder.samples import open_data

    return _layers(open_data.motor_map())


def phantom() -> list[LayerData]:
    """Open the phantom: its anatomy, and a series of eyes closed and open."""
    from napari_fmri_decoder.samples.phantom import make_phantom

    made = _in_thread(make_phantom, "Making the phantom")
    return _layers(made.anatomy, made.bold)


def category_maps() -> list[LayerData]:
    """Open made-up z-maps of 26 categories, 4 sessions of 130, and hidden, their mask."""
    from napari_fmri_decoder.samples.sample_maps import make_sample_maps

    maps, mask = _layers(*_in_thread(make_sample_maps, "Making the z-maps"))
    mask[1]["visible"] = False
    return [maps, mask]


def haxby_2001() -> list[LayerData]:
    """Open one subject of Haxby 2001, downloaded by nilearn where it is not there yet."""
    from napari_fmri_decoder.samples import open_data

    made = _in_thread(open_data.haxby_2001, "Fetching Haxby 2001")
    return _layers(*(v for v in (made.anatomy, made.bold, made.mask) if v is not None))


def _layers(*volumes: Volume) -> list[LayerData]:
    """Make layers, unless a series among them would mix its first axis with one that is open."""
    viewer = current_viewer()
    if viewer is not None:
        session = Session.of(viewer)
        for volume in volumes:
            session.refuse_mixing(volume)
    return [to_layer(volume) for volume in volumes]


def _in_thread(make: Callable[[], Made], description: str) -> Made:
    """Call `make` in a thread and wait for it; the window is drawn meanwhile."""
    if QApplication.instance() is None:
        return make()
    made: list[Made] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            made.append(make())
        except BaseException as error:  # noqa: BLE001 - raised again, in the thread that asked
            errors.append(error)

    thread, loop, look = Thread(target=work, daemon=True), QEventLoop(), QTimer()
    look.timeout.connect(lambda: None if thread.is_alive() else loop.quit())
    look.start(30)
    with progress(desc=description, total=0):
        thread.start()
        loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
    if errors:
        raise errors[0]
    return made[0]
