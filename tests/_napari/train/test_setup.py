"""Settings of the Train dock in two depths: basic ones first, all others under Advanced."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QScrollArea, QToolButton, QWidget

from napari_fmri_decoder._napari.qt.dock import WIDTH
from napari_fmri_decoder._napari.train.advanced import NONE_DIFFER
from napari_fmri_decoder._napari.train.dock import TrainDock
from napari_fmri_decoder.decoders import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_fmri_decoder._napari.forms.model_form import ModelForm


@pytest.fixture
def dock(viewer: Any, qtbot: Any) -> TrainDock:
    """The dock in the window, as it opens."""
    made = TrainDock(viewer)
    viewer.window.add_dock_widget(made, name="Train (napari-fmri-decoder)")
    qtbot.waitUntil(made.native.isVisible)
    return made


def forms(dock: TrainDock) -> tuple[ModelForm, ...]:
    return dock.decoder, dock.training, dock.split, dock.preparation, dock.permutation


def shown(dock: TrainDock) -> set[str]:
    """The settings that can be seen, as form.field."""
    return {
        f"{form.name}.{name}"
        for form in forms(dock)
        for name in form.names
        if form.widget(name).native.isVisible()
    }


def line(dock: TrainDock) -> str:
    return dock.setup.advanced.line.text()


def tabbed(first: QWidget) -> Iterator[QWidget]:
    """The visible controls that the Tab key reaches from one."""
    control = first.nextInFocusChain()
    while control is not None and control is not first:
        if control.isVisible() and control.focusPolicy().value & 1:
            yield control
        control = control.nextInFocusChain()


def test_basic_settings_are_shown_first_and_the_others_under_advanced(dock: TrainDock, person: Any) -> None:
    assert shown(dock) == {"training.epochs", "split.scheme", "permutation.permutations"}
    dock.split.scheme.value = "explicit"
    assert shown(dock) == {
        "training.epochs", "split.scheme", "split.train", "split.test", "permutation.permutations"
    }  # fmt: skip
    person.press(dock, "section_advanced_title")
    person.press(dock, "section_training_title")
    assert {"training.seed", "training.learning_rate"} < shown(dock)
    assert "preparation.smooth_mm" not in shown(dock), "its section is closed"


@pytest.mark.parametrize("name", sorted(registry))
def test_nothing_differs_from_the_defaults_at_first(dock: TrainDock, name: str) -> None:
    dock.decoder.name_.value = name
    dock.runs_folder.value = str(dock.setup.folder)
    assert dock.setup.advanced.differing() == []
    assert line(dock) == NONE_DIFFER
    assert dock.settings()["decoder"]["name"] == name


def test_the_line_names_what_differs_and_a_click_shows_its_control(dock: TrainDock, qtbot: Any) -> None:
    dock.training.epochs.value = 7
    dock.split.seed.value = 3
    assert line(dock) == NONE_DIFFER, "epochs are basic, and only a random split has a seed"
    dock.training.seed.value = 3
    assert dock.setup.advanced.differing() == ["Seed"]
    dock.split.scheme.value = "random"
    dock.decoder.dropout.value = 0.5
    dock.training.learning_rate.value = 0.1
    assert dock.setup.advanced.differing() == [
        "Seed (Training and test sets)", "Dropout", "Seed (Training)"
    ], "0.1 is what auto means"  # fmt: skip
    dock.decoder.name_.value = "linear"
    assert dock.setup.advanced.differing() == ["Seed (Training and test sets)", "Seed (Training)"]
    dock.location.place.value = "local"
    assert "Run in" in dock.setup.advanced.differing()

    dock.viewer.window.activate()
    dock.tabs.setCurrentIndex(1)
    seed = dock.training.seed.native
    assert not seed.isVisible()
    dock.setup.advanced.line.linkActivated.emit("section_training.seed")
    assert seed.isVisible()
    area = dock.native.findChild(QScrollArea, "setup_scroll")
    assert area.viewport().rect().contains(seed.mapTo(area.viewport(), seed.rect().center()))
    assert seed.window().focusWidget() in (seed, *seed.findChildren(QWidget))


def test_reset_sets_only_the_settings_under_its_title(dock: TrainDock, person: Any) -> None:
    dock.training.update({"epochs": 7, "seed": 3})
    dock.decoder.dropout.value = 0.5
    person.press(dock, "section_network_reset")
    assert dock.training.epochs.value is None
    assert (dock.training.seed.value, dock.decoder.dropout.value) == (3, 0.5)
    dock.training.epochs.value = 7
    person.press(dock, "section_training_reset")
    assert (dock.training.epochs.value, dock.training.seed.value) == (7, 0)
    person.press(dock, "section_network_advanced_reset")
    assert dock.decoder.dropout.value == 0.25
    assert line(dock) == NONE_DIFFER


def test_tab_goes_from_top_to_bottom_also_after_another_network(dock: TrainDock) -> None:
    for button in dock.native.findChildren(QToolButton):
        if button.objectName().endswith("_title"):
            button.setChecked(True)
    QTest.qWait(0)
    column = dock.setup.native
    for name in ("mlp", "cnn2d"):
        dock.decoder.name_.value = name
        QTest.qWait(0)
        reached = [control for control in tabbed(dock.decoder.name_.native) if column.isAncestorOf(control)]
        tops = [control.mapTo(column, control.rect().topLeft()).y() for control in reached]
        first = tops.index(min(tops))  # after the last control, Tab continues at the first
        tops = tops[first:] + tops[:first]
        assert len(tops) > 40
        assert all(b > a - 10 for a, b in pairwise(tops)), f"{name}: each is below or beside the one before"


def test_the_dock_fits_into_its_width_with_everything_expanded(dock: TrainDock) -> None:
    for button in dock.native.findChildren(QToolButton):
        if button.objectName().endswith("_title"):
            button.setChecked(True)
    QTest.qWait(0)
    assert dock.native.minimumSizeHint().width() < WIDTH
