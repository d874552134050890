"""The choice of where a run is computed, with the same values as on the command line."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from napari_fmri_decoder._napari.train.compute import ClusterBox
from napari_fmri_decoder._napari.train.run_links import command_line
from napari_fmri_decoder.errors import InputError


def test_the_choice_is_a_value_of_the_command_line(qtbot: Any) -> None:
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


def test_the_default_number_of_processes_fits_the_cores(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dask.system.CPU_COUNT", 16)
    box = ClusterBox(lambda: 5)
    qtbot.addWidget(box)
    box.choose("local")
    assert box.cluster == "local:3"


def test_a_separate_process_is_serial(qtbot: Any) -> None:
    box = ClusterBox(lambda: 1)
    qtbot.addWidget(box)
    assert not box.in_subprocess
    box.choose("subprocess")
    assert (box.cluster, box.in_subprocess) == ("serial", True)


def test_the_copied_command_uses_the_same_workers() -> None:
    run = Path("runs") / "first"
    assert shlex.split(command_line(run)) == [
        *("fmri-decoder", "train", str(run / "recipe.toml"), "--out", f"{run}-again")
    ]
    assert command_line(run, "local:3") == f"{command_line(run)} --cluster local:3"
