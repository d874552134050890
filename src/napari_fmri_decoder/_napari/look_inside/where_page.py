"""Page of the Look inside dock that decodes at many places in the brain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
from qtpy.QtWidgets import QAbstractItemView, QHBoxLayout, QTableView

from napari_fmri_decoder._napari.forms.choice_form import ChoiceForm
from napari_fmri_decoder._napari.forms.controls import push_button
from napari_fmri_decoder._napari.forms.model_form import ModelForm
from napari_fmri_decoder._napari.forms.validation import validate
from napari_fmri_decoder._napari.look_inside.page import Page
from napari_fmri_decoder._napari.look_inside.prediction_pages import TableModel
from napari_fmri_decoder._napari.look_inside.where_job import WhereJob, last_place
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.progress import ProgressLine
from napari_fmri_decoder._napari.qt.sections import text_label
from napari_fmri_decoder.decoders import registry
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.where import SCORES, SUMMARY, TABLE
from napari_fmri_decoder.recipe.where_options import WhereConfig
from napari_fmri_decoder.samples.centers.config import OPTIONS_OF
from napari_fmri_decoder.volumes.read import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from qtpy.QtCore import QModelIndex

    from napari_fmri_decoder._napari.qt.workers import Job
    from napari_fmri_decoder._napari.viewer.session import Session
    from napari_fmri_decoder.pipeline import RunResult
    from napari_fmri_decoder.pipeline.saved_run import SavedRun

START_TIP = (
    "Decode the samples of this run at each place, on the same folds. The map fills while it runs. The "
    "results are saved in the folder of the run."
)
MAP_TIP = "Show the saved scores of all places as a layer."
NO_RESULTS = "Nothing was decoded at many places in this run yet."
MOST_ROWS = 500


class WherePage(Page):
    """Decodes at many places, and shows their scores as a map and a table.

    Attributes
    ----------
    places : ModelForm
        Spheres, regions, slabs or boxes; and permutations.
    decoder : ChoiceForm
    start, stop, show_map : PushButton
    """

    title = "Where in the brain"

    def __init__(self, session: Session, selected: Callable[[], RunResult | SavedRun | None]) -> None:
        super().__init__(selected)
        self.session = session
        self.work = session.part(WhereJob)
        fields = [name for name in WhereConfig.model_fields if name != "decoder"]
        self.places = ModelForm(WhereConfig, fields, name="places")
        self.decoder = ChoiceForm(registry, "name", title="Decoder", name="place_decoder")
        self.decoder.update({"name": WhereConfig().decoder.name})
        self.start = push_button("start_where", "Decode at all places", START_TIP)
        self.stop = push_button("stop_where", "Stop", "Stop. The same settings continue later.")
        self.show_map = push_button("show_where", "Show the map", MAP_TIP)
        self.line = ProgressLine(self.work.progress)
        self.found = text_label(name="where_found")
        self.model = TableModel()
        self.table = QTableView()
        self.table.setObjectName("where_table")
        self.table.setAccessibleName("Scores of all places")
        self.table.setModel(self.model)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setMinimumHeight(170)
        self.table.setToolTip("<p>Click a row to move the crosshair there.</p>")
        if (numbers := self.table.verticalHeader()) is not None:
            numbers.hide()
        buttons = QHBoxLayout()
        for button in (self.start, self.stop, self.show_map):
            buttons.addWidget(button.native)
        self.rows.addWidget(self.places.native)
        self.rows.addWidget(self.decoder.native)
        self.rows.addLayout(buttons)
        self.rows.addWidget(self.line)
        self.rows.addWidget(self.found)
        self.rows.addWidget(self.table, 1)
        self.places.changed.connect(self._on_places)
        self.start.changed.connect(guard(self.error)(self._start))
        self.stop.changed.connect(lambda _: self.work.stop())
        self.show_map.changed.connect(guard(self.error)(self._show_map))
        self.table.clicked.connect(self._go)
        self.work.changed.connect(self._refresh)
        self.destroyed.connect(lambda *_, work=self.work, slot=self._refresh: work.changed.disconnect(slot))
        self._on_places()
        self._refresh()

    def draw(self, run: Any) -> None:
        """Show what was found for this run."""
        self._refresh()

    def decode(self, *, wait: bool = True) -> None:
        """Decode at all places with the options of the page.

        Parameters
        ----------
        wait : bool
            Whether to return only when it is done.

        Raises
        ------
        InputError
            If it cannot be done, with the sentence that the dock shows.
        """
        self._start().wait_if(wait)

    def _config(self) -> WhereConfig:
        values = self.places.asdict()
        used = {"centers", "permutations", *OPTIONS_OF[values["centers"]]}
        options = {name: value for name, value in values.items() if name in used}
        config = validate(WhereConfig, {**options, "decoder": self.decoder.asdict()})
        if not isinstance(config, WhereConfig):
            raise TypeError(f"The form must return a WhereConfig, but returned {type(config)}.")
        return config

    def _start(self) -> Job:
        run = self.selected_result()
        if self.work.job is not None:
            raise InputError("Places are being decoded. Stop this, or wait until it is done.")
        job = self.work.start(run, self._config())
        self._refresh()
        return job

    def _on_places(self) -> None:
        """Disable the options that the chosen places do not have."""
        kind = self.places.asdict()["centers"]
        for name in {field for fields in OPTIONS_OF.values() for field in fields}:
            self.places.enable(
                name, None if name in OPTIONS_OF[kind] else f"{kind.capitalize()} do not have it."
            )

    def _place(self) -> Path | None:
        return None if self.run is None else last_place(self.run.folder)

    def _refresh(self) -> None:
        running, place = self.work.job is not None, self._place()
        set_available(self.start, "Places are being decoded." if running else None, START_TIP)
        set_available(self.stop, None if running else "Nothing is being decoded.")
        set_available(self.show_map, None if place is not None else NO_RESULTS, MAP_TIP)
        self.line.setVisible(running)
        if self.work.error:
            self.error.show_error(self.work.error)
        elif running:
            self.error.clear()
        text = "" if running else self.work.message
        if place is not None and not running:
            text = "\n".join(json.loads((place / SUMMARY).read_text(encoding="utf-8"))["sentences"])
        self.found.setText(text)
        self.found.setVisible(bool(text))
        self._list(None if running else place)

    def _list(self, place: Path | None) -> None:
        """List the best places."""
        if place is None:
            self.model.show(pd.DataFrame())
        else:
            table = pd.read_csv(place / TABLE, sep="\t", na_values="n/a")
            score = next(name for name in ("accuracy", "balanced_accuracy") if name in table)
            names = [name for name in ("name", "x_mm", "y_mm", "z_mm", "voxels", score, "p") if name in table]
            best = table.dropna(subset=[score]).sort_values(score, ascending=False, kind="stable")
            self.model.show(best[names].head(MOST_ROWS).reset_index(drop=True))
        self.table.setVisible(bool(self.model.rowCount()))
        self.table.resizeColumnsToContents()

    @guard()
    def _go(self, index: QModelIndex) -> None:
        """Move the crosshair to the place of a row."""
        row = self.model.table.iloc[index.row()]
        self.session.update(point=tuple(float(row[name]) for name in ("x_mm", "y_mm", "z_mm")))

    def _show_map(self) -> None:
        place = self._place()
        if place is None:
            raise InputError(NO_RESULTS)
        self.session.add(read(place / SCORES))
