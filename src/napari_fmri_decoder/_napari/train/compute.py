"""Where a run is computed: in the napari process, in other local processes, or by workers of a scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QSpinBox, QWidget

from napari_fmri_decoder._napari.train.run_plan import RunLocation
from napari_fmri_decoder.training.tasks.workers import SERIAL, check_cluster, workers_that_fit

if TYPE_CHECKING:
    from collections.abc import Callable

SUBPROCESS = "subprocess"
PLACES = {
    SERIAL: "the napari process",
    SUBPROCESS: "a separate process",
    "local": "several worker processes",
    "tcp": "workers of a Dask scheduler",
}
"""The choices, by the start of `cluster` in `pipeline.run`; `SUBPROCESS` is serial as well."""


class ClusterBox(QWidget):
    """A choice, with the number of processes or the address of the scheduler.

    Parameters
    ----------
    threads : callable
        Returns the number of threads of each process.
    """

    def __init__(self, threads: Callable[[], int]) -> None:
        super().__init__()
        self._threads = threads
        self.place = QComboBox()
        self.place.setObjectName("cluster_place")
        self.place.setToolTip(
            "<p>Where training runs. The scores are the same everywhere.</p>"
            "<p><b>The napari process</b> starts immediately.</p>"
            "<p><b>A separate process</b> shares only the CPU cores with napari, not the Python interpreter: "
            "moving through slices stays fast and slows training less. It starts some seconds later and "
            "needs the memory of a second Python process with the samples.</p>"
            "<p><b>Workers</b> compute complete folds and permutations in parallel.</p>"
        )
        for place, text in PLACES.items():
            self.place.addItem(text, place)
        self.processes = QSpinBox()
        self.processes.setObjectName("cluster_processes")
        self.processes.setRange(1, 1024)
        self.processes.setToolTip(
            "<p>Number of worker processes. Each holds a copy of the samples and trains one network at a "
            "time, with the number of threads set under Training.</p>"
        )
        self.address = QLineEdit()
        self.address.setObjectName("cluster_address")
        self.address.setPlaceholderText("tls://HOST:8786")
        self.address.setToolTip(
            "<p>Address of a running Dask scheduler. Its workers need the run folder at the same path.</p>"
            "<p><b>tls://</b> is encrypted and requires a certificate. <b>tcp://</b> is not protected: "
            "anyone who can reach the port can run programs as you. See docs/scale.md.</p>"
        )
        self._parts = {
            "local": (QLabel("Processes"), self.processes),
            "tcp": (QLabel("Address"), self.address),
        }
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.place, 0, 0, 1, 2)
        for row, (label, control) in enumerate(self._parts.values(), start=1):
            label.setToolTip(control.toolTip())
            grid.addWidget(label, row, 0)
            grid.addWidget(control, row, 1)
        grid.setColumnStretch(1, 1)
        self.place.currentIndexChanged.connect(self._on_place)
        self._on_place()

    @property
    def cluster(self) -> str:
        """The choice, as `cluster` of `pipeline.run`.

        Raises
        ------
        InputError
            If the address is not valid.
        """
        local = {SERIAL: SERIAL, SUBPROCESS: SERIAL, "local": f"local:{self.processes.value()}"}
        cluster = local.get(self.place.currentData(), self.address.text().strip())
        check_cluster(cluster)
        return cluster

    @property
    def in_subprocess(self) -> bool:
        """Whether to run in a separate process."""
        return bool(self.place.currentData() == SUBPROCESS)

    @property
    def location(self) -> RunLocation:
        """The choice; raises `InputError` if the address is not valid."""
        return RunLocation(self.cluster, self.in_subprocess)

    def choose(self, place: str) -> None:
        """Choose one of `PLACES`."""
        self.place.setCurrentIndex(self.place.findData(place))

    def show_location(self, location: RunLocation) -> None:
        """Show where a run is computed."""
        kind, _, rest = location.cluster.partition(":")
        if location.in_subprocess:
            self.choose(SUBPROCESS)
        elif kind == "local":
            self.choose(kind)
            if rest.isdecimal():
                self.processes.setValue(int(rest))
        elif kind in self._parts:
            self.choose(kind)
            self.address.setText(location.cluster)
        else:
            self.choose(SERIAL)

    def _on_place(self) -> None:
        if self.place.currentData() == "local":
            self.processes.setValue(workers_that_fit(self._threads()))
        for place, parts in self._parts.items():
            for part in parts:
                part.setVisible(place == self.place.currentData())
