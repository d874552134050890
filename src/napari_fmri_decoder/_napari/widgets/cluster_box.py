"""Where a run is computed: in napari's process, in others of this machine, or by a scheduler's workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QSpinBox, QWidget

from napari_fmri_decoder.training.cluster import SERIAL, check_cluster, workers_that_fit

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_fmri_decoder._napari.recipe_of_session import Where

APART = "apart"
PLACES = {
    SERIAL: "napari's own process",
    APART: "a process of its own",
    "local": "several worker processes",
    "tcp": "workers of a Dask scheduler",
}
"""The choices, by what begins the `cluster` of `pipeline.run`; `APART` is serial too, beside the window."""


class ClusterBox(QWidget):
    """A choice, and what belongs to it: the number of processes, or the address.

    Parameters
    ----------
    threads : callable
        With how many each process is to compute.
    """

    def __init__(self, threads: Callable[[], int]) -> None:
        super().__init__()
        self._threads = threads
        self.place = QComboBox()
        self.place.setObjectName("cluster_place")
        self.place.setToolTip(
            "<p>Who computes. The scores are the same everywhere.</p>"
            "<p><b>napari's own process</b> begins at once.</p>"
            "<p><b>A process of its own</b> shares only the cores with napari, not the interpreter: moving "
            "through slices stays quick, and training loses less by it. It begins some seconds later, and "
            "takes the memory of a second Python with the samples in it.</p>"
            "<p><b>Workers</b> take whole folds and permutations, many at a time.</p>"
        )
        for place, text in PLACES.items():
            self.place.addItem(text, place)
        self.processes = QSpinBox()
        self.processes.setObjectName("cluster_processes")
        self.processes.setRange(1, 1024)
        self.processes.setToolTip(
            "<p>How many worker processes are started. Each holds the samples, and a network computes in "
            "each with the threads that are set under Training.</p>"
        )
        self.address = QLineEdit()
        self.address.setObjectName("cluster_address")
        self.address.setPlaceholderText("tls://HOST:8786")
        self.address.setToolTip(
            "<p>Address of a running Dask scheduler. Its workers see the run folder under the same path.</p>"
            "<p><b>tls://</b> is encrypted and admits only holders of a certificate. <b>tcp://</b> is "
            "neither: anyone who can reach the port can run programs as you. docs/scale.md explains both.</p>"
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
        """What is chosen, for `pipeline.run`.

        Raises
        ------
        InputError
            If the address is none.
        """
        here = {SERIAL: SERIAL, APART: SERIAL, "local": f"local:{self.processes.value()}"}
        where = here.get(self.place.currentData(), self.address.text().strip())
        check_cluster(where)
        return where

    @property
    def apart(self) -> bool:
        """Whether in one process of its own."""
        return bool(self.place.currentData() == APART)

    def choose(self, place: str) -> None:
        """Choose one of `PLACES`."""
        self.place.setCurrentIndex(self.place.findData(place))

    def show_where(self, where: Where) -> None:
        """Show where a run is computed."""
        kind, _, rest = where.cluster.partition(":")
        if where.apart:
            self.choose(APART)
        elif kind == "local":
            self.choose(kind)
            if rest.isdecimal():
                self.processes.setValue(int(rest))
        elif kind in self._parts:
            self.choose(kind)
            self.address.setText(where.cluster)
        else:
            self.choose(SERIAL)

    def _on_place(self) -> None:
        if self.place.currentData() == "local":
            self.processes.setValue(workers_that_fit(self._threads()))
        for place, parts in self._parts.items():
            for part in parts:
                part.setVisible(place == self.place.currentData())
