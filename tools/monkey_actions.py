"""Actions of the monkey: a name, and arguments that JSON can hold, so that each can be repeated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton

import monkey_controls
from monkey_data import images
from monkey_layers import LAYERS, add, change
from monkey_window import PLUGIN, flush_deleted
from napari_fmri_decoder._napari.qt.running import running_jobs

if TYPE_CHECKING:
    from napari._qt.widgets.qt_viewer_dock_widget import QtViewerDockWidget

    from monkey_window import World

DOCKS = ("View", "Prepare", "Labels", "Train", "Look inside")
MOST_LAYERS, MOST_VIEWERS = 12, 2
SAMPLES = ("mni_anatomy", "motor_map")


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do, with its arguments."""

    name: str
    arguments: dict[str, Any]

    def do(self, world: World) -> None:
        """Do it; arguments that name something that is not there do nothing."""
        world.answer = self.arguments.get("answer", 0)
        arguments = {key: value for key, value in self.arguments.items() if key != "answer"}
        _DO[self.name](world, **arguments)


def choose(rng: Random, world: World) -> Action:
    """Choose the next action, by the state of the windows."""
    viewer = rng.randrange(len(world.viewers))
    while True:
        (name,) = rng.choices(list(_CHOOSE), [weight for weight, _ in _CHOOSE.values()])
        arguments = _CHOOSE[name][1](rng, world, viewer)
        if arguments is not None:
            return Action(name, {"viewer": viewer, **arguments, "answer": rng.randrange(1000)})


# What is chosen


def _nothing(rng: Random, world: World, viewer: int) -> dict[str, Any]:
    return {}


def _full(world: World, viewer: int) -> bool:
    return len(world.viewer(viewer).layers) >= MOST_LAYERS


def _open(rng: Random, world: World, viewer: int) -> dict[str, Any] | None:
    return None if _full(world, viewer) else {"names": list(rng.choice(images(world.folder)))}


def _sample(rng: Random, world: World, viewer: int) -> dict[str, Any] | None:
    return None if _full(world, viewer) else {"key": rng.choice(SAMPLES)}


def _add(rng: Random, world: World, viewer: int) -> dict[str, Any] | None:
    return None if _full(world, viewer) else {"kind": rng.choice(LAYERS), "seed": rng.randrange(1000)}


def _layer(rng: Random, world: World, viewer: int) -> dict[str, Any] | None:
    layers = world.viewer(viewer).layers
    return {"layer": rng.choice([layer.name for layer in layers])} if layers else None


def _change(rng: Random, world: World, viewer: int) -> dict[str, Any] | None:
    chosen = _layer(rng, world, viewer)
    if chosen is None:
        return None
    from monkey_layers import CHANGES

    return {**chosen, "what": rng.choice(CHANGES), "seed": rng.randrange(1000)}


def _dims(rng: Random, world: World, viewer: int) -> dict[str, Any]:
    what = rng.choice(("step", "step", "step", "roll", "transpose", "order"))
    return {"what": what, "seed": rng.randrange(1000)}


def _dock(rng: Random, world: World, viewer: int) -> dict[str, Any]:
    return {"dock": rng.choice(DOCKS)}


def _frame(rng: Random, world: World, viewer: int) -> dict[str, Any] | None:
    names = sorted(world.roots(world.viewer(viewer)))
    if not names:
        return None
    return {"root": rng.choice(names), "how": rng.choice(("x", "remove", "float", "toggle", "raise"))}


def _theme(rng: Random, world: World, viewer: int) -> dict[str, Any]:
    return {"theme": rng.choice(("dark", "light", "system"))}


def _poke(rng: Random, world: World, viewer: int) -> dict[str, Any] | None:
    names = sorted(world.roots(world.viewer(viewer)))
    if not names:
        return None
    what = rng.choice(("click", "double", "drag", "wheel"))
    return {"root": rng.choice(names), "what": what, "x": rng.random(), "y": rng.random()}


def _key(rng: Random, world: World, viewer: int) -> dict[str, Any]:
    return {"key": rng.choice(monkey_controls.KEYS), "modifier": rng.choice(("", "", "", "shift"))}


def _new_viewer(rng: Random, world: World, viewer: int) -> dict[str, Any] | None:
    return {} if len(world.viewers) < MOST_VIEWERS else None


def _size(rng: Random, world: World, viewer: int) -> dict[str, Any]:
    return {"width": rng.choice((700, 1366, 1600)), "height": rng.choice((500, 768, 1000))}


def _press(rng: Random, world: World, viewer: int) -> dict[str, Any] | None:
    names = ("train_button", "stop_button", "resume_button", "check_button", "apply_mask", "apply_labels")
    more = ("mean_slab", "cut_slab", "undo", "reset_rotation")
    return {"name": rng.choice(names + more)}


# How it is done


def do_open(world: World, viewer: int, names: list[str]) -> None:
    """Open images of the data folder with the plugin's reader."""
    files = [str(world.folder / name) for name in names]
    world.viewer(viewer).open(files, stack=len(files) > 1, plugin=PLUGIN)


def do_delete(world: World, viewer: int, layer: str) -> None:
    """Remove a layer; hide it where napari would crash."""
    layers = world.viewer(viewer).layers
    if layer in layers:
        found = layers[layer]
        if found.mode != "pan_zoom":
            found.mode = "pan_zoom"
        if world.keeps_layers(world.viewer(viewer)):
            found.visible = False
        else:
            layers.remove(found)


def do_clear(world: World, viewer: int) -> None:
    """Remove all layers."""
    for layer in [layer.name for layer in world.viewer(viewer).layers]:
        do_delete(world, viewer, layer)


def do_dims(world: World, viewer: int, what: str, seed: int) -> None:
    """Move a slider, also beyond its end, or change the order of the axes."""
    dims, rng = world.viewer(viewer).dims, Random(seed)
    if what == "step":
        axis = rng.randrange(dims.ndim)
        steps = dims.nsteps[axis]
        dims.set_current_step(axis, rng.choice((0, steps - 1, steps + 5, -3, rng.randrange(max(steps, 1)))))
    elif what == "order":
        order = list(range(dims.ndim))
        rng.shuffle(order)
        dims.order = tuple(order)
    else:
        getattr(dims, what)()


def do_ndisplay(world: World, viewer: int) -> None:
    """Change between 2-D and 3-D."""
    dims = world.viewer(viewer).dims
    dims.ndisplay = 5 - dims.ndisplay


def do_dock(world: World, viewer: int, dock: str) -> None:
    """Open a dock, as its entry in the menu does."""
    world.viewer(viewer).window.add_plugin_dock_widget(PLUGIN, dock)


def do_frame(world: World, viewer: int, root: str, how: str) -> None:
    """Close, float, hide or raise a dock."""
    found = world.viewer(viewer)
    frame: QtViewerDockWidget | None
    frame = next((one for one in world.frames(found) if one.objectName() == root), None)
    if frame is None:
        return
    if how == "x":
        monkey_controls.MOUSE.mouseClick(frame.titleBarWidget().close_button, Qt.MouseButton.LeftButton)
    elif how == "remove":
        found.window.remove_dock_widget(frame.widget())
    elif how == "float":
        frame.setFloating(not frame.isFloating())
    elif how == "toggle":
        frame.toggleViewAction().trigger()
    else:
        frame.raise_()


def do_theme(world: World, viewer: int, theme: str) -> None:
    """Change the theme."""
    world.viewer(viewer).theme = theme


def do_size(world: World, viewer: int, width: int, height: int) -> None:
    """Resize the window."""
    world.viewer(viewer).window._qt_window.resize(width, height)


def do_new_viewer(world: World, viewer: int) -> None:
    """Open another viewer."""
    world.open_viewer()


def do_close_viewer(world: World, viewer: int) -> None:
    """Close a viewer; if it was the last one, open another."""
    world.close_viewer(viewer % len(world.viewers))
    if not world.viewers:
        world.open_viewer()
    flush_deleted()


def do_press(world: World, viewer: int, name: str) -> None:
    """Press a button of the main path, whichever tab is in front."""
    for root in world.roots(world.viewer(viewer)).values():
        button: Any = root.findChild(QAbstractButton, name)
        if button is not None and button.isEnabled():
            monkey_controls.press(world, viewer, button)


def do_ready(world: World, viewer: int) -> None:
    """Open the phantom, choose it, and label its volumes: then it can be trained."""
    found = world.viewer(viewer)
    if len(found.layers) >= MOST_LAYERS:
        do_clear(world, viewer)
    before = list(found.layers)
    do_open(world, viewer, ["run-1_bold.nii.gz", "run-2_bold.nii.gz"])
    series = next((layer for layer in found.layers if layer not in before), None)
    docks = {}
    for name in DOCKS[1:4]:
        docks[name] = found.window.add_plugin_dock_widget(PLUGIN, name)[1]
        world.settle()
    if series is None:
        return
    docks["Prepare"].series.value = series
    docks["Labels"].source.update({"source": "table", "table": str(world.folder / "volumes.tsv")})
    docks["Labels"].apply()
    docks["Train"].split.update({"scheme": "leave-one-run-out"})
    docks["Train"].decoder.update({"name": "mlp", "hidden": (3,)})
    docks["Train"].training.update({"epochs": 3, "threads": 1})


def do_wait(world: World, viewer: int) -> None:
    """Wait until the running jobs have ended, for a while."""
    world.wait_for(lambda: not running_jobs(), 3)


def do_mouse(world: World, viewer: int) -> None:
    """Move the mouse over the canvas."""
    found = world.viewer(viewer)
    rng = np.random.default_rng(world.answer)
    found.mouse_over_canvas = True
    found.cursor.position = tuple(rng.normal(0, 40, found.dims.ndim))


def do_undo(world: World, viewer: int) -> None:
    """Press Undo, or Ctrl+Z."""
    do_press(world, viewer, "undo")
    if world.answer % 2:
        monkey_controls.press_key(world, viewer, "Z", "ctrl")


_CHOOSE: dict[str, tuple[float, Callable[[Random, World, int], dict[str, Any] | None]]] = {
    "control": (45, monkey_controls.choose),
    "press": (7, _press),
    "poke": (5, _poke),
    "key": (4, _key),
    "change": (8, _change),
    "dims": (6, _dims),
    "dock": (6, _dock),
    "frame": (4, _frame),
    "open": (3, _open),
    "add": (2.5, _add),
    "sample": (0.3, _sample),
    "delete": (3, _layer),
    "clear": (0.4, _nothing),
    "ready": (1.2, _nothing),
    "wait": (1.5, _nothing),
    "undo": (1.5, _nothing),
    "mouse": (2, _nothing),
    "ndisplay": (0.6, _nothing),
    "theme": (0.5, _theme),
    "size": (0.5, _size),
    "new_viewer": (0.4, _new_viewer),
    "close_viewer": (0.5, _nothing),
}
_DO: dict[str, Callable[..., None]] = {
    "control": monkey_controls.do,
    "press": do_press,
    "poke": monkey_controls.poke,
    "key": monkey_controls.press_key,
    "change": change,
    "dims": do_dims,
    "dock": do_dock,
    "frame": do_frame,
    "open": do_open,
    "add": add,
    "sample": lambda world, viewer, key: world.viewer(viewer).open_sample(PLUGIN, key),
    "delete": do_delete,
    "clear": do_clear,
    "ready": do_ready,
    "wait": do_wait,
    "undo": do_undo,
    "mouse": do_mouse,
    "ndisplay": do_ndisplay,
    "theme": do_theme,
    "size": do_size,
    "new_viewer": do_new_viewer,
    "close_viewer": do_close_viewer,
}
