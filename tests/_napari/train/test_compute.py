"""The choice of where a run is computed, with the same values as on the command line."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from napari_fmri_decoder._napari.train.compute import ClusterBox
from napari_fmri_decoder._napari.train.run_links import command_line
from napari_fmri_decoder._napari.train.run_plan import RunLocation
from napari_fmri_decoder.errors import InputError


@pytest.fixture
def box(qtbot: Any) -> ClusterBox:
    """The choice on the screen, with networks of five threads."""
    made = ClusterBox(lambda: 5)
    qtbot.addWidget(made.native)
    made.show()
    return made


def test_the_choice_is_a_value_of_the_command_line(box: ClusterBox) -> None:
    assert box.cluster == "serial"
    assert not box.processes.visible
    box.place.value = "local"
    box.processes.value = 3
    assert box.processes.visible
    assert not box.address.visible
    assert box.cluster == "local:3"
    box.place.value = "tcp"
    assert box.address.visible
    assert not box.processes.visible
    with pytest.raises(InputError, match="tcp://HOST:PORT"):
        _ = box.cluster
    box.address.value = " tcp://10.0.0.1:8786 "
    assert box.cluster == "tcp://10.0.0.1:8786"
    with pytest.raises(ValueError, match="1025"):
        box.processes.value = 1025


def test_the_default_number_of_processes_fits_the_cores(
    box: ClusterBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dask.system.CPU_COUNT", 16)
    box.place.value = "local"
    assert box.cluster == "local:3"


def test_a_separate_process_is_serial(box: ClusterBox) -> None:
    assert not box.in_subprocess
    box.place.value = "subprocess"
    assert (box.cluster, box.in_subprocess) == ("serial", True)


@pytest.mark.parametrize(
    "location", [("serial", False), ("serial", True), ("local:7", False), ("tls://10.0.0.1:8786", False)]
)
def test_the_location_of_a_run_is_shown(box: ClusterBox, location: tuple[str, bool]) -> None:
    box.show_location(RunLocation(*location))
    assert box.run_location() == RunLocation(*location)


def test_the_copied_command_uses_the_same_workers() -> None:
    run = Path("runs") / "first"
    assert shlex.split(command_line(run)) == [
        *("fmri-decoder", "train", str(run / "recipe.toml"), "--out", f"{run}-again")
    ]
    assert command_line(run, "local:3") == f"{command_line(run)} --cluster local:3"
