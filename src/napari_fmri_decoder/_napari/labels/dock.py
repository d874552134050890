"""The Labels dock: the label and run of each volume, drawn along time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fmri_decoder._napari.forms.choice_form import ChoiceForm
from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.forms.remember import Remember
from napari_fmri_decoder._napari.labels.bids import BidsBox
from napari_fmri_decoder._napari.labels.describe import bands_of, count_runs, describe_volume, swatch
from napari_fmri_decoder._napari.labels.painting import PaintBox
from napari_fmri_decoder._napari.labels.zmaps import ZMapsView
from napari_fmri_decoder._napari.plots.bands import BandsPlot
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.dock import Dock
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.sections import scrolled, section, text_label
from napari_fmri_decoder._napari.viewer.bids_selection import BidsSelection
from napari_fmri_decoder._napari.viewer.dims import show_volume, volume_shown
from napari_fmri_decoder._napari.viewer.folders import folder_of
from napari_fmri_decoder._napari.viewer.undo import all_or_nothing
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.palette import hex_color, label_colors
from napari_fmri_decoder.samples.labels import LabelsConfig, label_sources, label_table
from napari_fmri_decoder.samples.labels.onsets import OnsetLabels, UndecidedError
from napari_fmri_decoder.samples.labels.painted import PaintedLabels
from napari_fmri_decoder.samples.opening import tr_problem
from napari_fmri_decoder.volumes.cache import on_copies
from napari_fmri_decoder.volumes.read import read, read_series

if TYPE_CHECKING:
    from napari import Viewer

    from napari_fmri_decoder.samples.bids.dataset import BidsRun
    from napari_fmri_decoder.volumes.volume import Volume

NO_SERIES = "Choose the series in the Prepare dock first."
APPLY = "Assign a label and a run to each volume."
COMMON_SOURCES = ("table", "events", "blocks", "filename", "painted", "fsl", "spm", "openfmri", "pymvpa")
"""Order of the sources; others follow."""


class LabelsDock(Dock):
    """Makes the table of labels: a label and a run for each volume of the series."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, "labels_dock")
        common = [name for name in COMMON_SOURCES if name in label_sources]
        names = [*common, *sorted(set(label_sources) - set(common))]
        self.bids = BidsBox()
        sources = {name: label_sources[name] for name in names}
        self.source = ChoiceForm(sources, "source", name="source")
        self.apply_button = push_button("apply_labels", "Apply", APPLY)
        self.brush = PaintBox()
        self.zmaps = ZMapsView(self)
        self.extend([self.bids, self.source, self.apply_button, self.brush, self.zmaps])
        self.error = Message("labels_error")
        self.apply_button.changed.connect(guard(self.error)(self.apply))
        self.source.changed.connect(self.error.clear)
        self.about = text_label(name="labels_about")
        self.bands = BandsPlot()
        self.bands.setObjectName("bands")
        self.bands.setToolTip("<p>Click to show a volume. After a click, the wheel zooms.</p>")
        self.bands.clicked.connect(self._show_volume)
        self.bands.painted.connect(self._paint)
        self.brush.changed.connect(self._on_brush)
        self._ways: dict[str, tuple[list[str], str]] = {}
        self.ways = text_label(name="assign_counts")
        self.current = text_label(name="current_volume")
        self.counts = text_label(name="label_counts")
        self.notes = text_label(name="label_notes")
        source, maps = Remember(self.source, "labels.source"), Remember(self.zmaps.form, "labels.zmaps")
        self.remembered = [source, maps]
        content = QWidget()
        rows = QVBoxLayout(content)
        rows.setContentsMargins(0, 0, 0, 0)
        self.bids.open_requested.connect(self._open_runs)
        rows.addWidget(section("BIDS folder", self.bids.native, name="bids_section", open_=False))
        for part in (
            self.about,
            section("Source", self.source.native, name="source_section", reset=source.reset),
            self.apply_button.native,
            self.error,
            self.bands,
            self.ways,
            self.brush.native,
            self.current,
            self.counts,
            self.notes,
        ):
            rows.addWidget(part)
        zmaps, reset = self.zmaps.native, maps.reset
        rows.addWidget(section("Z-maps", zmaps, name="section_zmaps", open_=False, reset=reset))
        rows.addStretch(1)
        self._scroll = scrolled(content, "labels_scroll")
        self.rows.addWidget(self._scroll)
        self.follow(self.session.changed, self._on_changed)
        self.follow(self.viewer.dims.events.point, self._on_moved)
        self._on_series()
        self._show_table()
        self._on_recipe()

    def catch_up(self) -> None:
        """Show the session as it is now."""
        self._on_series()
        self._show_table()
        self.zmaps.refresh()

    def _on_recipe(self) -> None:
        """Set the forms from a loaded recipe."""
        recipe = self.session.state.recipe
        if recipe is not None:
            self.source.update(recipe.labels)
            if recipe.zmaps is not None:
                self.zmaps.update(recipe.zmaps)

    def _on_changed(self, name: str) -> None:
        if name == "recipe":
            self._on_recipe()
        if name == "series":
            self.notes.clear()
            self.error.clear()
            self._ways = {}
            self._on_series()
        if name in ("series", "table", "prepared"):
            self._show_table()
        elif name == "labels" and self.session.state.labeling.labels is not None:
            self.source.update(self.session.state.labeling.labels)  # such as those of new z-maps
        if name in ("series", "labels", "table"):
            self.zmaps.refresh()

    def _on_series(self) -> None:
        """Update the controls, and discard labels of a series of another length."""
        series = self.session.series
        set_available(self.apply_button, None if series is not None else NO_SERIES)
        if series is None:
            self.about.setText(NO_SERIES)
            return
        time = f", one every {series.step:g} s" if series.step else ""
        self.about.setText(f"{series.name}: {series.n_volumes} volumes{time}")
        table = self.session.state.labeling.table
        if table is not None and len(table) != series.n_volumes:
            self.session.update(table=None, labels=None, prepared=None)

    def apply(self) -> None:
        """Assign a label and a run to each volume, by the chosen source.

        Raises
        ------
        InputError
            If the labels cannot be read, with the sentence that the dock shows.
        """
        series = self.session.series
        if series is None:
            raise InputError(NO_SERIES)
        config = self.source.config()
        if not isinstance(config, LabelsConfig):
            raise TypeError(f"A label source must be a LabelsConfig, but is {type(config)}.")
        self._ways = {}
        try:
            table, notes = label_table(config, series, folder_of(series))
        except UndecidedError:
            self._count_alternatives(config, series)
            self._show_table()
            self._scroll.ensureWidgetVisible(self.bands)
            raise
        if isinstance(config, OnsetLabels) and (config.assign or config.fill_gaps):
            self._count_alternatives(config, series)
        self.notes.setText("\n".join(notes))
        self.session.update(labels=config, table=table, prepared=None)
        if self._ways:
            self._scroll.ensureWidgetVisible(self.bands)

    def _open_runs(self, runs: list[BidsRun]) -> None:
        """Open runs of a dataset as one series over their anatomy, with their events as labels."""
        with guard(self.bids.error):
            self._open_series(runs)
            with guard(self.error):
                self.apply()

    def _open_series(self, runs: list[BidsRun]) -> None:
        series = on_copies(read_series([run.bold for run in runs]))
        series = replace(series, name=" ".join(filter(None, (f"sub-{runs[0].subject}", runs[0].task))))
        if problem := tr_problem(series):
            raise InputError(problem)
        self.session.refuse_mixing(series)
        self.bids.keep_selection(self.session.part(BidsSelection), runs)
        with all_or_nothing(self.session):
            anatomies = {run.anatomy for run in runs if run.anatomy is not None}
            if len(anatomies) == 1 and self.session.state.preparation.anatomy is None:
                self.session.update(anatomy=self.session.add(read(anatomies.pop())))
            self.session.in_use.choose_series(self.session.add(series))
        self.source.update({"source": "events", "events": ()})

    def _count_alternatives(self, config: LabelsConfig, series: Volume) -> None:
        """Compute the labels by each way to assign short events, for the bands."""
        self._ways = config.preview(series, folder_of(series)) if isinstance(config, OnsetLabels) else {}

    def _show_ways(self) -> None:
        """Show how many events contain a volume, by each way to assign them."""
        counts = [f"{how}: {count}" for how, (_, count) in self._ways.items()]
        self.ways.setText("Events that contain a volume: " + "; ".join(counts) if counts else "")
        self.ways.setVisible(bool(counts))

    def _show_table(self) -> None:
        """Draw the session's table, or bands without labels to paint on."""
        table, labels, series = (
            self.session.state.labeling.table,
            self.session.state.labeling.labels,
            self.session.series,
        )
        for part in (self.current, self.counts, self.notes):
            part.setVisible(table is not None)
        self.bands.setVisible(series is not None)
        self.brush.visible = series is not None
        self._show_ways()
        ways = {how: labels for how, (labels, _) in self._ways.items()}
        if table is None:
            self.brush.offer(())
            if series is not None:
                blank, _ = PaintedLabels().rows(series, folder_of(series))
                rows = {name: blank[name].tolist() for name in ("label", "run")}
                self.bands.set_data(rows | ways, colored=tuple(ways))
            return
        excluded = labels.excluded(table["label"]) if labels else ()
        classes = sorted(set(table["label"]) - {""} - set(excluded))
        colors = label_colors(table["label"], excluded)
        rows = bands_of(table, self.session.state.results.prepared)
        self.bands.set_data(rows | ways, colors, tuple(ways))
        self.brush.offer(sorted(set(table["label"]) - {""}))
        self._on_brush()
        counts = table["label"].value_counts()
        self.counts.setText(
            f"<b>{len(classes)} classes in {count_runs(table)} runs:</b> "
            + " ".join(swatch(name, hex_color(colors[name]), int(counts[name])) for name in classes)
        )
        self._on_moved()

    def _on_brush(self) -> None:
        """Set the color of painting to that of the label."""
        label, table, labels = (
            self.brush.brush,
            self.session.state.labeling.table,
            self.session.state.labeling.labels,
        )
        if label is None:
            self.bands.set_brush(None)
            return
        present = [] if table is None else table["label"].tolist()
        colors = label_colors([*present, label], labels.excluded(present) if labels else ())
        self.bands.set_brush(colors.get(label, (0.5, 0.5, 0.5, 1.0)))

    @guard("error")
    def _paint(self, first: int, last: int) -> None:
        """Label volumes with the label of the brush, on top of the table."""
        label, table, labels = (
            self.brush.brush,
            self.session.state.labeling.table,
            self.session.state.labeling.labels,
        )
        if label is None:
            return
        # shifted or trimmed spans would not appear where they are painted
        as_shown = isinstance(labels, PaintedLabels) and not (
            labels.lag or labels.trim_start or labels.trim_end or labels.rename or labels.merge or labels.bins
        )
        if not isinstance(labels, PaintedLabels) or not as_shown or table is None:
            exclude = labels.excluded(table["label"]) if labels and table is not None else ()
            labels = PaintedLabels() if table is None else PaintedLabels.of_table(table, exclude)
        self.source.update(labels.painted(first, last, label))
        self.apply()

    def _on_moved(self, event: Any = None) -> None:
        """Describe and mark the current volume of the viewer."""
        table, series = self.session.state.labeling.table, self.session.series
        if table is None or series is None or not self.visible:
            return
        volume = volume_shown(self.viewer, series.step)
        inside = 0 <= volume < len(table)
        self.bands.set_current(volume if inside else None)
        self.current.setText(describe_volume(table, volume) if inside else "")

    def _show_volume(self, volume: int) -> None:
        series = self.session.series
        if series is not None:
            show_volume(self.viewer, volume, series.step)

    def on_shown(self) -> None:
        """Update the current volume."""
        super().on_shown()
        self._on_moved()
