"""The tab Voxel: what is under the cursor, and its time course."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QCheckBox, QFormLayout, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.docks import words
from napari_fmri_decoder._napari.layers import KEY, is_preview
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.palette import label_colors
from napari_fmri_decoder._napari.plots import Along, TimecoursePlot, starts
from napari_fmri_decoder._napari.slider import show_volume, volume_shown
from napari_fmri_decoder._napari.timecourses import Voxel, VoxelSource
from napari_fmri_decoder._napari.view import brain_layers
from napari_fmri_decoder._napari.widgets.parts import beside, choice_box
from napari_fmri_decoder._napari.widgets.reading_view import ReadingView, tell_why
from napari_fmri_decoder.samples.samples import group_keys
from napari_fmri_decoder.volumes.timecourse import Scale, rescale, voxel_at
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_fmri_decoder._napari.docks import Dock

FOLLOW_MS = 100
"""The mouse moves more often than anybody reads."""
SCALES: dict[str, Scale] = {"as stored": "raw", "% signal change": "psc", "z": "z"}
UNITS: dict[Scale, str] = {"raw": "signal", "psc": "% change", "z": "z"}
CROWDED = 300
"""More volumes than this are wider than the plot: at first one run is shown."""
NOTHING = "Open a series (a 4-D image, or a folder of maps) to see the time course of a voxel."
NO_POINT = "Move the mouse over the head, or set the crosshair."
_FOLLOW = "Show the voxel under the mouse, as it moves over the canvas; else the one at the crosshair."
_WHOLE = "mean of all volumes"


class VoxelTab(QWidget):
    """Follows mouse and crosshair, and shows the voxel there."""

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self.setObjectName("voxel_tab")
        self._session = dock.session
        self._source: VoxelSource | None = None
        self._known: tuple[Any, Any, Any] = (None, None, None)
        self._point: NDArray[np.float64] | None = None  # scanner mm
        self._along = Along(0)
        self._make()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(FOLLOW_MS)
        self._soon.timeout.connect(self._show)
        viewer = dock.viewer
        for signal, slot in (
            (self._session.changed, self._on_state),
            (self._session.layers_changed, self._wake),
            (viewer.layers.selection.events.active, self._wake),
            (viewer.cursor.events.position, self._on_cursor),
            (viewer.dims.events.point, self._wake),
        ):
            dock.follow(signal, slot)

    def _make(self) -> None:
        self.place = words(NO_POINT, "voxel_place")
        self.place.setTextFormat(Qt.TextFormat.RichText)
        self.follow_mouse = QCheckBox("follow the mouse")
        self.follow_mouse.setObjectName("follow_mouse")
        self.follow_mouse.setChecked(True)
        self.follow_mouse.toggled.connect(lambda *_: self._to_crosshair())
        self.scale = choice_box(
            "voxel_scale", "Values as stored, in percent of a mean, or in standard deviations."
        )
        self.scale.addItems(list(SCALES))
        self.baseline = choice_box("voxel_baseline", "")
        self.baseline.addItem(_WHOLE)
        self.by_run = QCheckBox("in each run")
        self.by_run.setObjectName("voxel_by_run")
        self.by_run.setChecked(True)
        self.by_run.toggled.connect(self._wake)
        self.one_run = QCheckBox("this run only")
        self.one_run.setObjectName("voxel_one_run")
        self.one_run.toggled.connect(self._wake)
        for box in (self.scale, self.baseline):
            box.currentIndexChanged.connect(self._wake)
        self.plot = TimecoursePlot()
        self.plot.setObjectName("voxel_plot")
        self.plot.clicked.connect(self._go_to)
        self.note = words(name="voxel_note")
        self.reading = ReadingView(self._voxel)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("scale", beside(self.scale, self.by_run))
        form.addRow("baseline", self.baseline)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(6, 6, 6, 6)
        rows.addWidget(beside(self.follow_mouse, self.one_run))
        rows.addWidget(self.place)
        rows.addWidget(self.plot)
        rows.addLayout(form)
        rows.addWidget(self.note)
        rows.addWidget(self.reading)
        rows.addStretch(1)

    # What happens

    def showEvent(self, event: Any) -> None:
        """Catch up."""
        super().showEvent(event)
        self._wake()
        if self._point is None:
            self._to_crosshair()

    def hideEvent(self, event: Any) -> None:
        """Rest: a dock that is closed sends this, and no closeEvent."""
        super().hideEvent(event)
        self._soon.stop()

    def _on_state(self, name: str) -> None:
        if name == "point":
            self._to_crosshair()
        elif name in ("series", "table", "labels"):
            self._wake()

    def _to_crosshair(self) -> None:
        point = self._session.state.point
        self._point = None if point is None else np.array(point)
        self._wake()

    def _on_cursor(self, event: Any = None) -> None:
        viewer = self._session.viewer
        position = viewer.cursor.position
        follows = self.follow_mouse.isEnabled() and self.follow_mouse.isChecked()
        if not follows or not self.isVisible() or viewer.dims.ndisplay != 2 or len(position) < 3:
            return
        if not viewer.mouse_over_canvas:  # a slider moved: napari then moves the cursor with it
            return
        self._point = self._session.state.frame.to_scanner(np.asarray(position[-3:])[::-1])
        self._wake()

    def _wake(self, *_: object) -> None:
        """Show what there is, soon."""
        if self.isVisible() and not self._soon.isActive():
            self._soon.start()

    @guard()
    def _go_to(self, volume: int) -> None:
        if self._source is not None:
            show_volume(self._session.viewer, volume, self._source.series.step)

    # What is shown

    def _take(self) -> None:
        """Take the series of the selected layer, else the chosen one, else any; and what is known of it."""
        series = self._find()
        if self._source is not None and (series is None or self._source.series.data is not series.data):
            self._source.stop()
            self._source.deleteLater()
            self._source = None
        if series is not None:
            if self._source is None:
                self._source = VoxelSource(series, self)
                self._source.read.connect(self._wake)
            self._source.series = series  # its affine may be another now
        known = (series, self._session.state.table, self._session.state.labels)
        if any(a is not b for a, b in zip(known, self._known, strict=True)):
            self._known = known
            self._take_along(self._along_of(series))

    def _take_along(self, along: Along) -> None:
        if (along.n, len(set(along.runs))) != (self._along.n, len(set(self._along.runs))):
            self.one_run.setChecked(along.n > CROWDED)
        self._along = along
        self.plot.set_along(along)
        chosen = self.baseline.currentText()
        self.baseline.blockSignals(True)
        self.baseline.clear()
        self.baseline.addItems([_WHOLE, *sorted(set(along.labels) - {""})])
        self.baseline.setCurrentIndex(max(self.baseline.findText(chosen), 0))
        self.baseline.blockSignals(False)

    def _find(self) -> Volume | None:
        viewer = self._session.viewer
        brain = [layer for layer in reversed(brain_layers(viewer)) if layer.visible]
        for layer in (viewer.layers.selection.active, self._session.state.series, *brain):
            kept = layer.metadata.get(KEY) if layer is not None else None
            if isinstance(kept, Volume) and kept.is_series:
                return kept
        return None

    def _along_of(self, series: Volume | None) -> Along:
        if series is None:
            return Along(0)
        n, table = series.n_volumes, self._session.state.table
        runs: list[str] = []
        if table is not None and len(table) == n:
            labels = self._session.state.labels
            colors = label_colors(table["label"], labels.excluded(table["label"]) if labels else ())
            runs = group_keys(table).tolist()
            return Along(n, series.step, series.names, tuple(table["label"]), tuple(runs), colors)
        if any(part.n_volumes > 1 for part in series.parts[1:]):
            runs = [str(i) for i, part in enumerate(series.parts, start=1) for _ in range(part.n_volumes)]
        return Along(n, series.step, series.names, (), tuple(runs) if len(runs) == n else ())

    def _voxel(self) -> Voxel | None:
        if self._source is None or self._point is None:
            return None
        return voxel_at(self._source.series, self._point)

    @guard()
    def _show(self) -> None:
        """Show the voxel at the point: place, value, region, time course."""
        self._take()
        source, voxel = self._source, self._voxel()
        if source is not None and source.how == "kept" and voxel is not None and not source.stopped:
            source.start()
        values = source.values(voxel) if source is not None and voxel is not None else np.empty(0)
        scale = SCALES[self.scale.currentText()]
        said = self._draw(voxel, values, scale)
        current = volume_shown(self._session.viewer, self._along.step) if source is not None else None
        self.plot.set_current(current)
        self.plot.set_span(self._span(current))
        self.place.setText(self._in_words(voxel, values, current))
        self.note.setText(said)
        self.note.setVisible(bool(said))
        self._enable(scale)
        self.reading.show_source(source, voxel)

    def _span(self, current: int | None) -> tuple[int, int] | None:
        """Volumes of the run that is shown; None for all."""
        runs = self._along.runs
        if not self.one_run.isChecked() or current is None or not 0 <= current < len(runs):
            return None
        begins = [*starts(runs), len(runs)]
        i = next(i for i, begin in enumerate(begins) if begin > current)
        return begins[i - 1], begins[i]

    def _draw(self, voxel: Voxel | None, values: NDArray[np.float64], scale: Scale) -> str:
        """Draw the time course; say what is to be known of it."""
        along = self._along
        if len(values) != along.n or np.isnan(values).all():
            self.plot.set_values(np.full(along.n, np.nan), UNITS[scale], symmetric=scale != "raw")
            return ""
        several = self.by_run.isChecked() and len(set(along.runs)) > 1
        baseline = None
        if scale == "psc" and self.baseline.currentIndex() > 0:
            baseline = [label == self.baseline.currentText() for label in along.labels]
        scaled = rescale(values, scale, baseline=baseline, groups=along.runs if several else None)
        self.plot.set_values(scaled.values, UNITS[scale], symmetric=scale != "raw")
        complete = self._source is not None and voxel is not None and self._source.is_read(voxel)
        return scaled.note[0].upper() + scaled.note[1:] + "." if complete and scaled.note else ""

    def _in_words(self, voxel: Voxel | None, values: NDArray[np.float64], current: int | None) -> str:
        """Say where the point is, what the volume that is shown has there, and which region it is."""
        if self._point is None:
            return NO_POINT if self._source is not None else NOTHING
        lines = [f"<b>{in_mm(self._point)}</b>"]
        if self._source is None:
            lines.append(NOTHING)
        else:
            lines[0] += ", outside of the series" if voxel is None else f", voxel {voxel}"
            value = values[current] if current is not None and 0 <= current < len(values) else np.nan
            if voxel is not None and current is not None and 0 <= current < self._along.n:
                shown = f"<b>{value:.5g}</b>" if np.isfinite(value) else "not read yet"
                lines.append(f"Value {shown} at {escape(self._along.describe(current))}")
        found = regions_at(brain_layers(self._session.viewer), self._point)
        lines += [f"Region: <b>{escape(region)}</b> ({escape(atlas)})" for atlas, region in found]
        return "<br>".join(lines)

    def _enable(self, scale: Scale) -> None:
        """Enable what has a meaning now; all else says why not."""
        labels = len(set(self._along.labels) - {""}) > 0
        why = None if labels else "The volumes have no labels yet: set them in the dock Labels."
        why = why if scale == "psc" else "Only percent signal change has a baseline."
        tell_why(self.baseline, "What 100 % is: the mean of all volumes, or of those of one condition.", why)
        why = None if len(set(self._along.runs)) > 1 else "Only one run is known."
        why = why if scale != "raw" else "Values as stored have no mean to take."
        tell_why(self.by_run, "Take the mean, and the standard deviation, of each run by itself.", why)
        why = None if len(set(self._along.runs)) > 1 else "Only one run is known."
        tell_why(self.one_run, "Show the run of the volume that the slider is at; else all runs.", why)
        one_by_one = self._source is not None and self._source.how == "one by one"
        why = "Each voxel of this series takes a pass over its file. Set the crosshair, and press Read."
        tell_why(self.follow_mouse, _FOLLOW, why if one_by_one else None)


def in_mm(point: NDArray[np.float64]) -> str:
    """Say scanner millimetres with their directions: "R 14.0  A 22.0  S 10.0 mm"."""
    pairs = zip(("LR", "PA", "IS"), point, strict=True)
    return "&nbsp; ".join(f"{pair[int(mm >= 0)]}&nbsp;{abs(mm):.1f}" for pair, mm in pairs) + "&nbsp;mm"


def regions_at(layers: Sequence[Layer], point: NDArray[np.float64]) -> list[tuple[str, str]]:
    """Name of each atlas in sight, and of its region at a scanner point."""
    found = []
    for layer in layers:
        atlas = layer.metadata[KEY]
        if not (isinstance(atlas, Volume) and atlas.kind == "atlas" and layer.visible) or atlas.is_series:
            continue
        if is_preview(layer):  # a map whose opacity is another's: its values are codes
            continue
        voxel = voxel_at(atlas, point)
        value = int(atlas.data[voxel]) if voxel is not None else 0
        unnamed = "none" if value == 0 else f"{value}, without a name"
        found.append((layer.name, atlas.regions.get(value, unnamed)))
    return found
