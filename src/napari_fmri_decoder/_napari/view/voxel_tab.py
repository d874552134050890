"""The Voxel tab: the voxel under the cursor and its time course."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.forms.choices import ListChoice
from napari_fmri_decoder._napari.forms.controls import check_box, choice_box
from napari_fmri_decoder._napari.plots import TimecoursePlot, VolumeAnnotations, starts
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.sections import native_row, text_label
from napari_fmri_decoder._napari.view.point_text import mm_text, region_lines, value_lines
from napari_fmri_decoder._napari.view.reading_progress import ReadingView
from napari_fmri_decoder._napari.view.series_annotations import annotate, find_series
from napari_fmri_decoder._napari.view.voxel_reader import Voxel, VoxelSource
from napari_fmri_decoder._napari.viewer.camera import brain_layers
from napari_fmri_decoder._napari.viewer.dims import show_volume, volume_shown
from napari_fmri_decoder.volumes.timecourse import Scale, rescale, voxel_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder._napari.qt.dock import Dock

FOLLOW_MS = 100
"""Milliseconds between two updates while the mouse moves."""
SCALES: tuple[tuple[str, Scale], ...] = (("as stored", "raw"), ("% signal change", "psc"), ("z", "z"))
"""Text and value of each scale."""
SCALES_TIP = "Values as stored, in percent signal change, or in standard deviations."
UNITS: dict[Scale, str] = {"raw": "signal", "psc": "% change", "z": "z"}
CROWDED = 300
"""With more volumes than this, the plot shows one run at first."""
NOTHING = "Open a series (a 4-D image, or a folder of maps) to see the time course of a voxel."
NO_POINT = "Move the mouse over the image, or set the crosshair."
_FOLLOW = "Show the voxel under the mouse while it is over the canvas, else the voxel at the crosshair."
_BASELINE = "What 100 % means: the mean of all volumes, or of those of one condition."
_BY_RUN = "Use the mean and the standard deviation of each run."
_ONE_RUN = "Show only the run of the current volume."
_ALL_VOLUMES = ("mean of all volumes", "")


class VoxelTab(QWidget):
    """Shows the voxel under the mouse or at the crosshair.

    Attributes
    ----------
    follow_mouse, by_run, one_run : CheckBox
    scale : ComboBox
        "raw", "psc" or "z".
    baseline : ListChoice
        Label of the volumes that are 100 %; "" for all volumes.
    """

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self.setObjectName("voxel_tab")
        self._session = dock.session
        self.source: VoxelSource | None = None
        self._known: tuple[Any, Any, Any] = (None, None, None)
        self._point: NDArray[np.float64] | None = None  # scanner millimeters
        self._annotations = VolumeAnnotations(0)
        self._make_controls()
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.setInterval(FOLLOW_MS)
        self.timer.timeout.connect(self._show)
        viewer = dock.viewer
        for signal, slot in (
            (self._session.changed, self._on_state),
            (self._session.layers_changed, self._update_soon),
            (viewer.layers.selection.events.active, self._update_soon),
            (viewer.cursor.events.position, self._on_cursor),
            (viewer.dims.events.point, self._update_soon),
        ):
            dock.follow(signal, slot)

    def _make_controls(self) -> None:
        self.place = text_label(NO_POINT, "voxel_place")
        self.place.setTextFormat(Qt.TextFormat.RichText)
        self.follow_mouse = check_box("follow_mouse", "Follow the mouse", _FOLLOW, value=True)
        self.follow_mouse.changed.connect(self._move_to_crosshair)
        self.scale = choice_box("voxel_scale", "Scale", SCALES_TIP, SCALES)
        self.baseline = ListChoice("voxel_baseline", "Baseline", _BASELINE, (_ALL_VOLUMES,))
        self.by_run = check_box("voxel_by_run", "Per run", _BY_RUN, value=True)
        self.one_run = check_box("voxel_one_run", "This run only", _ONE_RUN)
        for control in (self.scale, self.baseline, self.by_run, self.one_run):
            control.changed.connect(self._update_soon)
        self.plot = TimecoursePlot()
        self.plot.setObjectName("voxel_plot")
        self.plot.clicked.connect(self._go_to)
        self.note = text_label(name="voxel_note")
        self.error = Message("voxel_error")
        self.reading = ReadingView(self._voxel)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Scale", native_row(self.scale.native, self.by_run.native))
        form.addRow("Baseline", self.baseline.native)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(6, 6, 6, 6)
        rows.addWidget(native_row(self.follow_mouse.native, self.one_run.native))
        rows.addWidget(self.place)
        rows.addWidget(self.plot)
        rows.addLayout(form)
        rows.addWidget(self.note)
        rows.addWidget(self.reading)
        rows.addWidget(self.error)
        rows.addStretch(1)

    # Events

    def showEvent(self, event: Any) -> None:
        """Update what changed while the tab was hidden."""
        super().showEvent(event)
        self._update_soon()
        if self._point is None:
            self._move_to_crosshair()

    def hideEvent(self, event: Any) -> None:
        """Stop the timer; a dock that is closed gets this event and no closeEvent."""
        super().hideEvent(event)
        self.timer.stop()

    def _on_state(self, name: str) -> None:
        if name == "point":
            self._move_to_crosshair()
        elif name in ("series", "table", "labels"):
            self._update_soon()

    def _move_to_crosshair(self) -> None:
        point = self._session.state.scene.point
        self._point = None if point is None else np.array(point)
        self._update_soon()

    def _on_cursor(self, event: Any = None) -> None:
        viewer = self._session.viewer
        position = viewer.cursor.position
        follows = self.follow_mouse.enabled and self.follow_mouse.value
        if not follows or not self.isVisible() or viewer.dims.ndisplay != 2 or len(position) < 3:
            return
        if not viewer.mouse_over_canvas:  # napari also moves the cursor when a slider moves
            return
        self._point = self._session.state.scene.frame.to_scanner(np.asarray(position[-3:])[::-1])
        self._update_soon()

    def _update_soon(self, *_: object) -> None:
        """Update after a short pause, if visible."""
        if self.isVisible() and not self.timer.isActive():
            self.timer.start()

    @guard("error")
    def _go_to(self, volume: int) -> None:
        if self.source is not None:
            show_volume(self._session.viewer, volume, self.source.series.step)

    # Content

    def _update_source(self) -> None:
        """Switch to the current series and its annotations."""
        series = find_series(self._session)
        if self.source is not None and (series is None or self.source.series.data is not series.data):
            self.source.stop()
            self.source.deleteLater()
            self.source = None
        if series is not None:
            if self.source is None:
                self.source = VoxelSource(series, self)
                self.source.read.connect(self._update_soon)
            self.source.series = series  # its affine may have changed
        known = (series, self._session.state.labeling.table, self._session.state.labeling.labels)
        if any(a is not b for a, b in zip(known, self._known, strict=True)):
            self._known = known
            self._set_annotations(annotate(*known))

    def _set_annotations(self, new: VolumeAnnotations) -> None:
        old = self._annotations
        if (new.n, len(set(new.runs))) != (old.n, len(set(old.runs))):
            self.one_run.value = new.n > CROWDED
        self._annotations = new
        self.plot.set_annotations(new)
        labels = sorted(set(new.labels) - {""})
        self.baseline.relist((_ALL_VOLUMES, *((label, label) for label in labels)))

    def _voxel(self) -> Voxel | None:
        if self.source is None or self._point is None:
            return None
        return voxel_at(self.source.series, self._point)

    @guard("error")
    def _show(self) -> None:
        """Show position, value, region and time course of the voxel at the point."""
        self._update_source()
        source, voxel = self.source, self._voxel()
        if source is not None and source.how == "kept" and voxel is not None and not source.stopped:
            source.start()
        values = source.values(voxel) if source is not None and voxel is not None else np.empty(0)
        scale: Scale = self.scale.value
        note = self._draw(voxel, values, scale)
        current = volume_shown(self._session.viewer, self._annotations.step) if source is not None else None
        self.plot.set_current(current)
        self.plot.set_span(self._span(current))
        self.place.setText(self._describe(voxel, values, current))
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self._update_availability(scale)
        self.reading.show_source(source, voxel)

    def _span(self, current: int | None) -> tuple[int, int] | None:
        """Start and stop of the run that is shown; None for all volumes."""
        runs = self._annotations.runs
        if not self.one_run.value or current is None or not 0 <= current < len(runs):
            return None
        begins = [*starts(runs), len(runs)]
        i = next(i for i, begin in enumerate(begins) if begin > current)
        return begins[i - 1], begins[i]

    def _draw(self, voxel: Voxel | None, values: NDArray[np.float64], scale: Scale) -> str:
        """Draw the time course, and return a note on its scale."""
        annotations = self._annotations
        if len(values) != annotations.n or np.isnan(values).all():
            self.plot.set_values(np.full(annotations.n, np.nan), UNITS[scale], symmetric=scale != "raw")
            return ""
        several = self.by_run.value and len(set(annotations.runs)) > 1
        baseline = None
        if scale == "psc" and self.baseline.value:
            baseline = [label == self.baseline.value for label in annotations.labels]
        scaled = rescale(values, scale, baseline=baseline, groups=annotations.runs if several else None)
        self.plot.set_values(scaled.values, UNITS[scale], symmetric=scale != "raw")
        complete = self.source is not None and voxel is not None and self.source.is_read(voxel)
        return scaled.note[0].upper() + scaled.note[1:] + "." if complete and scaled.note else ""

    def _describe(self, voxel: Voxel | None, values: NDArray[np.float64], current: int | None) -> str:
        """Describe the point: position, value in the current volume, regions."""
        if self._point is None:
            return NO_POINT if self.source is not None else NOTHING
        if self.source is None:
            lines = [f"<b>{mm_text(self._point)}</b>", NOTHING]
        else:
            lines = value_lines(self._point, voxel, values, current, self._annotations)
        return "<br>".join([*lines, *region_lines(brain_layers(self._session.viewer), self._point)])

    def _update_availability(self, scale: Scale) -> None:
        """Enable the controls that apply now."""
        has_labels = len(set(self._annotations.labels) - {""}) > 0
        why = None if has_labels else "The volumes have no labels yet. Set them in the Labels dock."
        set_available(
            self.baseline,
            why if scale == "psc" else "Only percent signal change has a baseline.",
            _BASELINE,
        )
        one_run = None if len(set(self._annotations.runs)) > 1 else "There is only one run."
        set_available(
            self.by_run,
            one_run if scale != "raw" else "Values as stored are not scaled.",
            _BY_RUN,
        )
        set_available(self.one_run, one_run, _ONE_RUN)
        one_by_one = self.source is not None and self.source.how == "one by one"
        why = "Each voxel of this series takes a pass over its file. Set the crosshair, and press Read."
        set_available(self.follow_mouse, why if one_by_one else None, _FOLLOW)
