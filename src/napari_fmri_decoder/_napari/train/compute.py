"""Where a run is computed: in the napari process, in other local processes, or by workers of a scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import Container, SpinBox

from napari_fmri_decoder._napari.forms.controls import choice_box, line_edit
from napari_fmri_decoder._napari.forms.native import prepare_control
from napari_fmri_decoder._napari.qt.availability import set_tooltip
from napari_fmri_decoder._napari.train.run_plan import RunLocation
from napari_fmri_decoder.training.tasks.workers import SERIAL, check_cluster, workers_that_fit

if TYPE_CHECKING:
    from collections.abc import Callable

    from magicgui.widgets.bases import Widget

SUBPROCESS = "subprocess"
PLACES = {
    SERIAL: "the napari process",
    SUBPROCESS: "a separate process",
    "local": "several worker processes",
    "tcp": "workers of a Dask scheduler",
}
"""The choices, by the start of `cluster` in `pipeline.run`; `SUBPROCESS` is serial as well."""
PLACE = "Where training runs. The scores are the same everywhere."
PLACE_TIP = (
    f"<p>{PLACE}</p>"
    "<p><b>The napari process</b> starts immediately.</p>"
    "<p><b>A separate process</b> shares only the CPU cores with napari, not the Python interpreter: moving "
    "through slices stays fast and slows training less. It starts some seconds later and needs the memory of "
    "a second Python process with the samples.</p>"
    "<p><b>Workers</b> compute complete folds and permutations in parallel.</p>"
)
PROCESSES = (
    "Number of worker processes. Each holds a copy of the samples and trains one network at a time, with the "
    "number of threads set under Training."
)
ADDRESS = "Address of a running Dask scheduler. Its workers need the run folder at the same path."
ADDRESS_TIP = (
    f"<p>{ADDRESS}</p>"
    "<p><b>tls://</b> is encrypted and requires a certificate. <b>tcp://</b> is not protected: anyone who "
    "can reach the port can run programs as you. See docs/scale.md.</p>"
)


class ClusterBox(Container):  # type: ignore[type-arg]  # magicgui types it by its widgets
    """A choice, with the number of processes or the address of the scheduler.

    Parameters
    ----------
    threads : callable
        Returns the number of threads of each process.

    Attributes
    ----------
    place : ComboBox
        One of `PLACES`.
    processes : SpinBox
    address : LineEdit
    """

    def __init__(self, threads: Callable[[], int]) -> None:
        super().__init__(name="location", labels=False)
        self.margins = (0, 0, 0, 0)
        self._threads = threads
        self.place = choice_box("place", "Run in", PLACE, [(text, place) for place, text in PLACES.items()])
        self.place.native.setObjectName("cluster_place")
        set_tooltip(self.place, PLACE_TIP)
        self.processes = SpinBox(name="processes", label="Processes", min=1, max=1024, value=1)
        prepare_control(self.processes, "cluster_processes", "Processes", PROCESSES)
        self.address = line_edit("address", "Address", ADDRESS, placeholder="tls://HOST:8786")
        self.address.native.setObjectName("cluster_address")
        set_tooltip(self.address, ADDRESS_TIP)
        self._parts: dict[str, Widget] = {"local": self.processes, "tcp": self.address}
        self._rows = Container(widgets=list(self._parts.values()))
        self._rows.margins = (0, 0, 0, 0)
        self.extend((self.place, self._rows))
        self.place.changed.connect(self._on_place)
        self._on_place()

    @property
    def cluster(self) -> str:
        """The choice, as `cluster` of `pipeline.run`.

        Raises
        ------
        InputError
            If the address is not valid.
        """
        local = {SERIAL: SERIAL, SUBPROCESS: SERIAL, "local": f"local:{self.processes.value}"}
        cluster = local.get(self.place.value, self.address.value.strip())
        check_cluster(cluster)
        return cluster

    @property
    def in_subprocess(self) -> bool:
        """Whether to run in a separate process."""
        return bool(self.place.value == SUBPROCESS)

    def run_location(self) -> RunLocation:
        """Return the choice; raises `InputError` if the address is not valid."""
        return RunLocation(self.cluster, self.in_subprocess)

    def show_location(self, location: RunLocation) -> None:
        """Show where a run is computed."""
        kind, _, rest = location.cluster.partition(":")
        if location.in_subprocess:
            self.place.value = SUBPROCESS
        elif kind == "local":
            self.place.value = kind
            if rest.isdecimal():
                self.processes.value = int(rest)
        elif kind in ("tcp", "tls"):
            self.place.value = "tcp"
            self.address.value = location.cluster
        else:
            self.place.value = SERIAL

    def _on_place(self) -> None:
        place = self.place.value
        if place == "local":
            self.processes.value = workers_that_fit(self._threads())
        self._rows.visible = place in self._parts
        for name, widget in self._parts.items():
            widget.visible = name == place
