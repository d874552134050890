"""Where a run is computed: in this process, on others of this machine, or on a scheduler's workers."""

from __future__ import annotations

import os

from qtpy.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QSpinBox, QWidget

from napari_fmri_decoder.training.cluster import SERIAL, check_cluster

PLACES = {
    SERIAL: "this process, with curves as they grow",
    "local": "worker processes of this machine",
    "tcp": "workers of a Dask scheduler",
}
"""The choices, by what begins the `cluster` of `pipeline.run`."""


class ClusterBox(QWidget):
    """A choice, and what belongs to it: the number of processes, or the address."""

    def __init__(self) -> None:
        super().__init__()
        self.place = QComboBox()
        self.place.setObjectName("cluster_place")
        self.place.setToolTip(
            "<p>Who computes folds and permutations. The scores are the same; many permutations go faster on "
            "workers, and short runs here.</p>"
        )
        for place, text in PLACES.items():
            self.place.addItem(text, place)
        self.processes = QSpinBox()
        self.processes.setObjectName("cluster_processes")
        self.processes.setRange(1, 1024)
        self.processes.setValue(max(1, (os.cpu_count() or 2) - 1))
        self.processes.setToolTip(
            "<p>How many worker processes are started. Each holds the samples, and a network computes in "
            "each with the threads that are set under Training.</p>"
        )
        self.address = QLineEdit()
        self.address.setObjectName("cluster_address")
        self.address.setPlaceholderText("tcp://HOST:8786")
        self.address.setToolTip(
            "<p>Address of a scheduler that runs (<tt>dask scheduler</tt>), whose workers see the folder of "
            "the run under the same path.</p>"
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
        place = self.place.currentData()
        where = {SERIAL: SERIAL, "local": f"local:{self.processes.value()}"}.get(
            place, self.address.text().strip()
        )
        check_cluster(where)
        return where

    def _on_place(self) -> None:
        for place, parts in self._parts.items():
            for part in parts:
                part.setVisible(place == self.place.currentData())
