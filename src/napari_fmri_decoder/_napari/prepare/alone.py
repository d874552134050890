"""One step of Prepare as a separate widget, with the choice of the images above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_fmri_decoder._napari.prepare.jobs import PrepareJobs
from napari_fmri_decoder._napari.prepare.mask import MaskStep
from napari_fmri_decoder._napari.prepare.rotation import RotationStep
from napari_fmri_decoder._napari.prepare.series import ImagesView
from napari_fmri_decoder._napari.prepare.slab import SlabStep
from napari_fmri_decoder._napari.qt.lifetime import Lifetime
from napari_fmri_decoder._napari.viewer.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari import Viewer


def mask(viewer: Viewer) -> MaskStep:
    """Make the widget that makes masks.

    Parameters
    ----------
    viewer : napari Viewer
        Where it will be docked: ``viewer.window.add_dock_widget(fd.widgets.mask(viewer))``.

    Returns
    -------
    MaskStep
        ``mask.strategy.value = "threshold"``, ``mask.apply()``.
    """
    jobs, images = _begin(viewer)
    step = MaskStep(jobs)
    step.chosen.connect(jobs.refresh)
    _finish(step, jobs, [images, step])
    return step


def rotation(viewer: Viewer) -> RotationStep:
    """Make the widget that rotates all images; parameters as in `mask`.

    Returns
    -------
    RotationStep
        ``rotation.rotate_x.value = 20.05``, ``rotation.reset()``.
    """
    jobs, images = _begin(viewer)
    step = RotationStep(jobs)
    _finish(step, jobs, [images, step])
    return step


def slab(viewer: Viewer) -> SlabStep:
    """Make the widget that cuts slabs at the current rotation; parameters as in `mask`.

    Returns
    -------
    SlabStep
        ``slab.start.value = 12``, ``slab.cut()``.
    """
    jobs, images = _begin(viewer)
    angles = RotationStep(jobs)  # not shown: it follows the rotation of the session
    step = SlabStep(jobs, angles)
    _finish(step, jobs, [images, angles, step])
    jobs.life.follow(jobs.session.rotating, step.on_rotating)
    jobs.life.closed.connect(step.hide_drawn)
    return step


def _begin(viewer: Viewer) -> tuple[PrepareJobs, ImagesView]:
    session = Session.of(viewer)
    session.in_use.accept_all()
    jobs = PrepareJobs(session, Lifetime())
    return jobs, ImagesView(jobs)


def _finish(step: Any, jobs: PrepareJobs, parts: Sequence[Any]) -> None:
    """Show the choice of images above the step, and let all parts follow the session while it is docked."""
    step.insert(0, parts[0])
    jobs.life.watch(step.native)

    def on_layers() -> None:
        for part in parts:
            if hasattr(type(part), "on_layers"):
                part.on_layers()
        jobs.refresh()

    def on_state(name: str) -> None:
        for part in parts:
            part.on_state(name)
        jobs.refresh()

    def catch_up() -> None:
        on_layers()
        for name in ("series", "anatomy", "mask", "slab", "pivot", "angles", "frame"):
            on_state(name)

    jobs.life.follow(jobs.session.layers_changed, on_layers)
    jobs.life.follow(jobs.session.changed, on_state)
    jobs.life.reopened.connect(catch_up)
    catch_up()
