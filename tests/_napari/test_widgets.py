"""`fd.widgets`: steps of Prepare docked alone, and types that give any magicgui function our controls."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from magicgui import magic_factory
from qtpy.QtWidgets import QAbstractSpinBox
from small import series

import napari_fmri_decoder as fd
from napari_fmri_decoder._napari.prepare.dock import PrepareDock
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError


def test_steps_work_alone_and_share_the_session(viewer: Any, qtbot: Any) -> None:
    session = Session.of(viewer)
    scan = session.add(series(1)[0])
    mask, rotation, slab = fd.widgets.mask(viewer), fd.widgets.rotation(viewer), fd.widgets.slab(viewer)
    for name, widget in (("Mask", mask), ("Rotation", rotation), ("Slab", slab)):
        viewer.window.add_dock_widget(widget, name=name, tabify=True)
    mask.strategy.value = "threshold"
    mask.above.value = 100.0
    mask.apply()
    expected = np.asarray(scan.data).mean(axis=0).T > 100
    np.testing.assert_array_equal(session.state.preparation.mask.at(0) > 0, expected)
    rotation.rotate_x.value = 20.05
    qtbot.waitUntil(lambda: session.state.scene.angles == (20.05, 0.0, 0.0))
    slab.start.value, slab.stop.value = 2, 4
    slab.cut()
    assert (session.state.preparation.slab.start, session.state.preparation.slab.stop) == (2, 4)
    assert session.state.preparation.slab.rotate_x == 20.05
    rotation.reset()
    assert session.state.scene.angles == (0.0, 0.0, 0.0)
    assert slab.config().rotate_x == 0.0


def test_a_slab_alone_uses_the_pivot_of_the_viewer(viewer: Any, qtbot: Any) -> None:
    session = Session.of(viewer)
    scan = session.add(series(1)[0])
    prepare = PrepareDock(viewer)
    viewer.window.add_dock_widget(prepare)
    prepare.rotation.pivot.value = "center"
    prepare.rotation.rotate_x.value = 20.05
    prepare.rotation.settle()
    slab = fd.widgets.slab(viewer)
    viewer.window.add_dock_widget(slab)
    assert slab.config().pivot == prepare.slab.config().pivot
    assert slab.config().pivot is not None
    again = PrepareDock(viewer)
    assert again.rotation.angles == (20.05, 0.0, 0.0), "as the session is"
    assert again.rotation.point() == prepare.rotation.point()
    assert scan in viewer.layers
    with pytest.raises(InputError, match="Fields of the slab are axis, start"):
        prepare.slab.update(rotate_x=5.0)
    assert "start" in dir(prepare.slab)


def test_a_step_raises_the_sentence_that_its_button_shows(viewer: Any) -> None:
    mask, slab = fd.widgets.mask(viewer), fd.widgets.slab(viewer)
    for step, name in ((mask.apply, "apply_mask"), (slab.cut, "cut_slab")):
        with pytest.raises(InputError) as caught:
            step()
        owner = mask if step == mask.apply else slab
        button = owner.native.findChild(object, name)
        assert not button.isEnabled()
        assert str(caught.value) in button.toolTip().replace("&#x27;", "'")


def test_values_and_layers_that_do_not_fit_change_nothing(viewer: Any) -> None:
    session = Session.of(viewer)
    session.add(series(1)[0])
    dock = PrepareDock(viewer)
    viewer.window.add_dock_widget(dock)
    before = dock.mask.asdict(), dock.slab.asdict(), dock.series.value
    with pytest.raises(
        ValueError, match="Start must be a whole number from -100000 to 100000; got 1000000000"
    ):
        dock.slab.start.value = 1e9
    with pytest.raises(AttributeError, match="'start' is a widget"):
        dock.slab.start = 12
    with pytest.raises(InputError, match=r"Series must be one of the layers .*; got 'gone'"):
        dock.series.value = "gone"
    other = viewer.add_labels(np.zeros((3, 3, 3), dtype=np.uint8), name="other")
    dock.mask.strategy.value = "layer"
    dock.mask.layer.value = "other"
    viewer.layers.remove(other)
    assert dock.mask.layer.value is None
    with pytest.raises(InputError, match=r"Layer must be one of the layers .*; got 'other'"):
        dock.mask.layer.value = other
    with pytest.raises(InputError, match="Choose or paint a labels layer"):
        dock.mask.apply()
    dock.mask.strategy.value = before[0]["strategy"]
    assert (dock.mask.asdict(), dock.slab.asdict(), dock.series.value) == before


def test_a_chosen_layer_stays_chosen_when_it_is_renamed(viewer: Any) -> None:
    session = Session.of(viewer)
    scan = session.add(series(1)[0])
    dock = PrepareDock(viewer)
    viewer.window.add_dock_widget(dock)
    assert dock.series.value is scan
    changes: list[Any] = []
    dock.series.changed.connect(changes.append)
    scan.name = "renamed"
    session.add(series(1)[0])
    viewer.layers.move(0, 2)
    assert dock.series.value is scan
    assert dock.series.current_choice == "renamed"
    assert changes == []


def test_types_for_annotations_give_our_controls(qtbot: Any) -> None:
    got: list[Any] = []

    @magic_factory
    def smooth(
        fwhm: fd.widgets.Millimeters = 6.0,
        rate: fd.widgets.Scientific = 1e-10,
        steps: fd.widgets.AutomaticNumber = None,
        names: fd.widgets.Names = ("face",),
        rename: fd.widgets.NamedTexts = {"a": "b"},  # noqa: B006 - magicgui reads it, and nobody changes it
        tried: fd.widgets.NamedLists = {"hidden": (30, 100)},  # noqa: B006
        device: fd.widgets.Device = "auto",
    ) -> None:
        got.append((fwhm, rate, steps, names, rename, tried, device))

    form = smooth()
    qtbot.addWidget(form.native)
    form.native.show()
    form()
    form.steps.value = 3
    form.rate.value = 10.0**12
    form.device.value = "cpu"
    form()
    assert got[0] == (6.0, 1e-10, None, ("face",), {"a": "b"}, {"hidden": (30, 100)}, "auto")
    assert got[1] == (6.0, 1e12, 3, ("face",), {"a": "b"}, {"hidden": (30, 100)}, "cpu")
    assert "6 mm" in [box.text() for box in form.native.findChildren(QAbstractSpinBox)]


def test_without_napari_one_sentence_says_what_to_install() -> None:
    code = """
import sys
sys.modules["napari"] = None
import napari_fmri_decoder as fd
fd.widgets.mask
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "Install them: pip install 'napari-fmri-decoder[all]'." in last
