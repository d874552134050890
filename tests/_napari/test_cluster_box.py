"""The choice of where a run is computed, in the words of the command line."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from napari_fmri_decoder._napari.widgets.cluster_box import ClusterBox
from napari_fmri_decoder._napari.widgets.train import command_line
from napari_fmri_decoder.errors import InputError


def test_what_is_chosen_is_what_the_command_line_takes(qtbot: Any) -> None:
    box = ClusterBox(lambda: 1)
    qtbot.addWidget(box)
    assert box.cluster == "serial"
    assert box.processes.isHidden()
    box.place.setCurrentIndex(box.place.findData("local"))
    box.processes.setValue(3)
    assert not box.processes.isHidden()
    assert box.cluster == "local:3"
    box.place.setCurrentIndex(box.place.findData("tcp"))
    assert box.processes.isHidden()
    with pytest.raises(InputError, match="tcp://HOST:PORT"):
        _ = box.cluster
    box.address.setText(" tcp://10.0.0.1:8786 ")
    assert box.cluster == "tcp://10.0.0.1:8786"


def test_as_many_processes_are_offered_as_their_threads_have_processors(
    qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dask.system.CPU_COUNT", 16)
    box = ClusterBox(lambda: 5)
    qtbot.addWidget(box)
    box.choose("local")
    assert box.cluster == "local:3"


def test_a_process_of_its_own_is_serial_beside_the_window(qtbot: Any) -> None:
    box = ClusterBox(lambda: 1)
    qtbot.addWidget(box)
    assert not box.apart
    box.choose("apart")
    assert (box.cluster, box.apart) == ("serial", True)


def test_the_command_that_is_copied_computes_in_the_same_place() -> None:
    run = Path("runs") / "first"
    assert shlex.split(command_line(run)) == [
        *("fmri-decoder", "train", str(run / "recipe.toml"), "--out", f"{run}-again")
    ]
    assert command_line(run, "local:3") == f"{command_line(run)} --cluster local:3"
