"""Disabled controls give the reason in their tooltips."""

from __future__ import annotations

import doctest
from typing import Any

import pytest
from qtpy.QtWidgets import QPushButton

from napari_fmri_decoder._napari.qt import availability
from napari_fmri_decoder._napari.qt.availability import set_available


def test_examples_hold():
    assert doctest.testmod(availability).failed == 0


@pytest.mark.parametrize("tip", ["Stop the run.", None])
def test_a_disabled_control_gives_the_reason_and_keeps_its_tip(tip: str | None, qtbot: Any):
    button = QPushButton("Stop")
    qtbot.addWidget(button)
    button.setWhatsThis("Stop the run.")
    set_available(button, "No job <b> is running.", tip)
    assert not button.isEnabled()
    assert button.toolTip() == "<p>Stop the run.</p><p><b>No job &lt;b&gt; is running.</b></p>"
    for no_reason in (None, ""):
        set_available(button, no_reason, tip)
        assert button.isEnabled()
        assert button.toolTip() == "<p>Stop the run.</p>"
