"""The dock Labels: what each volume shows, and the run it belongs to, drawn along time."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_fmri_decoder._napari.docks import Dock, scrolled, section, words
from napari_fmri_decoder._napari.forms import ChoiceForm
from napari_fmri_decoder._napari.notify import guard
from napari_fmri_decoder._napari.palette import hex_color, label_colors
from napari_fmri_decoder._napari.plots.bands import BandsPlot
from napari_fmri_decoder._napari.recipe_of_session import base_of
from napari_fmri_decoder._napari.results import sample_rows
from napari_fmri_decoder._napari.slider import show_volume, volume_shown
from napari_fmri_decoder._napari.widgets.bids_box import BidsBox
from napari_fmri_decoder._napari.widgets.paint_box import PaintBox
from napari_fmri_decoder._napari.widgets.zmaps_view import ZMapsView
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.samples.labels import LabelsConfig, label_sources, label_table
from napari_fmri_decoder.samples.labels.onsets import OnsetLabels, UndecidedError
from napari_fmri_decoder.samples.labels.painted import PaintedLabels
from napari_fmri_decoder.samples.opening import tr_problem
from napari_fmri_decoder.volumes.cache import on_copies
from napari_fmri_decoder.volumes.nifti import read, read_series

if TYPE_CHECKING:
    import pandas as pd
    from napari import Viewer

    from napari_fmri_decoder.pipeline import Prepared
    from napari_fmri_decoder.samples.bids_dataset import BidsRun
    from napari_fmri_decoder.volumes.volume import Volume

NO_SERIES = "Choose the series in the dock Prepare first."
USUAL = ("table", "events", "blocks", "filename", "painted", "fsl", "spm", "openfmri", "pymvpa")
"""Order of the sources; others come after."""


class LabelsDock(Dock):
    """Makes the table of labels: one label and one run for each volume of the series."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.setObjectName("labels_dock")
        names = sorted(label_sources, key=lambda n: (USUAL.index(n) if n in USUAL else len(USUAL), n))
        self.form = ChoiceForm({name: label_sources[name] for name in names}, "source")
        self.apply = QPushButton("Apply")
        self.apply.setObjectName("apply_labels")
        self.apply.clicked.connect(self._apply)
        self.about = words(name="labels_about")
        self.bands = BandsPlot()
        self.bands.setObjectName("bands")
        self.bands.setToolTip("<p>Click to show that volume. Click once, then turn the wheel, to zoom.</p>")
        self.bands.clicked.connect(self._go_to)
        self.bands.painted.connect(self._paint)
        self.brush = PaintBox()
        self.brush.changed.connect(self._on_brush)
        self._ways: dict[str, tuple[list[str], str]] = {}
        self.ways = words(name="assign_counts")
        self.current = words(name="current_volume")
        self.counts = words(name="label_counts")
        self.notes = words(name="label_notes")
        self.zmaps = ZMapsView(self)
        content = QWidget()
        rows = QVBoxLayout(content)
        rows.setContentsMargins(0, 0, 0, 0)
        self.bids = BidsBox()
        self.bids.chosen.connect(self._open_runs)
        rows.addWidget(section("BIDS folder", self.bids, name="bids_section", open_=False))
        for part in (
            self.about,
            self.form,
            self.apply,
            self.bands,
            self.ways,
            self.brush,
            self.current,
            self.counts,
            self.notes,
        ):
            rows.addWidget(part)
        rows.addWidget(section("Z-maps", self.zmaps, name="section_zmaps", open_=False))
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
        """Show what the recipe that was loaded says of labels and z-maps."""
        recipe = self.session.state.recipe
        if recipe is not None:
            self.form.set_values(recipe.labels)
            if recipe.zmaps is not None:
                self.zmaps.form.set_values(recipe.zmaps)

    def _on_changed(self, name: str) -> None:
        if name == "recipe":
            self._on_recipe()
        if name == "series":
            self.notes.clear()
            self._ways = {}
            self._on_series()
        if name in ("series", "table", "prepared"):
            self._show_table()
        elif name == "labels" and self.session.state.labels is not None:
            self.form.set_values(self.session.state.labels)  # of z-maps, say, which bring their own
        if name in ("series", "labels", "table"):
            self.zmaps.refresh()

    def _on_series(self) -> None:
        """Enable what can be done; labels of a series of another length are none of this one."""
        series = self.session.series
        self.apply.setEnabled(series is not None)
        self.apply.setToolTip(
            f"<p>{'Give each volume its label and its run.' if series is not None else NO_SERIES}</p>"
        )
        if series is None:
            self.about.setText(NO_SERIES)
            return
        time = f", one every {series.step:g} s" if series.step else ""
        self.about.setText(f"{series.name}: {series.n_volumes} volumes{time}")
        table = self.session.state.table
        if table is not None and len(table) != series.n_volumes:
            self.session.update(table=None, labels=None, prepared=None)

    @guard()
    def _apply(self) -> None:
        series = self.session.series
        if series is None:
            raise InputError(NO_SERIES)
        config = self.form.config()
        if not isinstance(config, LabelsConfig):
            raise TypeError(f"Sources of labels must be LabelsConfig, got {type(config)}.")
        self._ways = {}
        try:
            table, notes = label_table(config, series, base_of(series))
        except UndecidedError as error:
            self._compare(config, series)
            self._show_table()
            self.notes.setText(str(error))
            self.notes.setVisible(True)
            self._scroll.ensureWidgetVisible(self.bands)
            raise
        if isinstance(config, OnsetLabels) and (config.assign or config.fill_gaps):
            self._compare(config, series)
        self.notes.setText("\n".join(notes))
        self.session.update(labels=config, table=table, prepared=None)
        if self._ways:
            self._scroll.ensureWidgetVisible(self.bands)

    @guard()
    def _open_runs(self, runs: list[BidsRun]) -> None:
        """Open runs of a dataset as one series, their anatomy beneath, and take their events as labels."""
        series = on_copies(read_series([run.bold for run in runs]))
        series = replace(series, name=" ".join(filter(None, (f"sub-{runs[0].subject}", runs[0].task))))
        if problem := tr_problem(series):
            raise InputError(problem)
        self.session.refuse_mixing(series)
        with self.session.all_or_nothing():
            anatomies = {run.anatomy for run in runs if run.anatomy is not None}
            if len(anatomies) == 1 and self.session.state.anatomy is None:
                self.session.update(anatomy=self.session.add(read(anatomies.pop())))
            self.session.update(series=self.session.add(series), table=None, labels=None, prepared=None)
        self.form.set_values({"source": "events", "events": ()})
        self._apply()

    def _compare(self, config: LabelsConfig, series: Volume) -> None:
        """Find what each way to assign events makes of them, for the bands."""
        self._ways = config.ways(series, base_of(series)) if isinstance(config, OnsetLabels) else {}

    def _show_ways(self) -> None:
        """Say how many events hold a volume, by each way to assign them."""
        said = [f"{how}: {count}" for how, (_, count) in self._ways.items()]
        self.ways.setText("Events that hold a volume: " + "; ".join(said) if said else "")
        self.ways.setVisible(bool(said))

    def _show_table(self) -> None:
        """Draw the table that the session holds, or bands without labels to paint on."""
        table, labels, series = self.session.state.table, self.session.state.labels, self.session.series
        for part in (self.current, self.counts, self.notes):
            part.setVisible(table is not None)
        self.bands.setVisible(series is not None)
        self.brush.setVisible(series is not None)
        self._show_ways()
        ways = {how: labels for how, (labels, _) in self._ways.items()}
        if table is None:
            self.brush.offer(())
            if series is not None:
                blank, _ = PaintedLabels().rows(series, base_of(series))
                rows = {name: blank[name].tolist() for name in ("label", "run")}
                self.bands.set_data(rows | ways, colored=tuple(ways))
            return
        excluded = labels.excluded(table["label"]) if labels else ()
        kept = sorted(set(table["label"]) - {""} - set(excluded))
        colors = label_colors(table["label"], excluded)
        rows = bands_of(table, self.session.state.prepared)
        self.bands.set_data(rows | ways, colors, tuple(ways))
        self.brush.offer(sorted(set(table["label"]) - {""}))
        self._on_brush()
        counts = table["label"].value_counts()
        self.counts.setText(
            f"<b>{len(kept)} classes in {_n_runs(table)} runs:</b> "
            + " ".join(_swatch(name, hex_color(colors[name]), int(counts[name])) for name in kept)
        )
        self._on_moved()

    def _on_brush(self) -> None:
        """Let dragging paint in the colour that the label has, or will have."""
        label, table, labels = self.brush.label, self.session.state.table, self.session.state.labels
        if label is None:
            self.bands.set_brush(None)
            return
        there = [] if table is None else table["label"].tolist()
        colors = label_colors([*there, label], labels.excluded(there) if labels else ())
        self.bands.set_brush(colors.get(label, (0.5, 0.5, 0.5, 1.0)))

    @guard()
    def _paint(self, first: int, last: int) -> None:
        """Give volumes the label of the brush, over what the table holds."""
        label, table, labels = self.brush.label, self.session.state.table, self.session.state.labels
        if label is None:
            return
        # spans that are moved or trimmed would not come where they are painted
        as_shown = isinstance(labels, PaintedLabels) and not (
            labels.lag or labels.trim_start or labels.trim_end or labels.rename or labels.merge
        )
        if not isinstance(labels, PaintedLabels) or not as_shown or table is None:
            exclude = labels.excluded(table["label"]) if labels and table is not None else ()
            labels = PaintedLabels() if table is None else PaintedLabels.of_table(table, exclude)
        self.form.set_values(labels.painted(first, last, label))
        self._apply()

    def _on_moved(self, event: Any = None) -> None:
        """Say and mark which volume the viewer shows."""
        table, series = self.session.state.table, self.session.series
        if table is None or series is None or not self.isVisible():
            return
        volume = volume_shown(self.viewer, series.step)
        inside = 0 <= volume < len(table)
        self.bands.set_current(volume if inside else None)
        self.current.setText(_sentence(table, volume) if inside else "")

    def _go_to(self, volume: int) -> None:
        series = self.session.series
        if series is not None:
            show_volume(self.viewer, volume, series.step)

    def showEvent(self, event: Any) -> None:
        """Catch up with the slider."""
        super().showEvent(event)
        self._on_moved()


def bands_of(table: pd.DataFrame, prepared: Prepared | None) -> dict[str, list[str]]:
    """Rows of the plot: labels, what a run belongs to where it is known, runs, and folds once known."""
    rows = {"label": table["label"].tolist()}
    for column in ("subject", "session", "run"):
        if column == "run" or (table[column] != "").any():
            rows[column] = table[column].tolist()
    if prepared is not None and len(prepared.table) == len(table):
        fold = np.full(len(prepared.samples.X) + 1, "", dtype=object)  # the last for volumes left out
        for i, split in reversed(list(enumerate(prepared.splits))):  # the first of several, as the layer says
            fold[split.test] = str(i)
        rows["tested in fold"] = fold[sample_rows(prepared)].tolist()
    return rows


def _swatch(name: str, color: str, count: int) -> str:
    return f'<span style="color:{color}">■</span>&nbsp;{escape(name)}&nbsp;{count}'


def _n_runs(table: pd.DataFrame) -> int:
    return len(table[["subject", "session", "run"]].drop_duplicates())


def _sentence(table: pd.DataFrame, volume: int) -> str:
    row = table.iloc[volume]
    where = ", ".join(f"{name} {row[name]}" for name in ("subject", "session", "run") if row[name])
    return f"Volume {volume}: <b>{escape(row['label']) or 'no label'}</b>" + (
        f", {escape(where)}" if where else ""
    )
