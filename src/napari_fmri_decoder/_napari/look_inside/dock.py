"""The Look inside dock: scores, errors, and filter activations of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QStackedWidget

from napari_fmri_decoder._napari.forms.choices import ListChoice
from napari_fmri_decoder._napari.forms.controls import choice_box
from napari_fmri_decoder._napari.look_inside.open_row import OpenRow
from napari_fmri_decoder._napari.look_inside.page import NOTHING
from napari_fmri_decoder._napari.look_inside.pages import PAGES, Pages
from napari_fmri_decoder._napari.qt.availability import set_available
from napari_fmri_decoder._napari.qt.dock import Dock, to_front
from napari_fmri_decoder._napari.qt.messages import Message
from napari_fmri_decoder._napari.qt.notifications import guard
from napari_fmri_decoder._napari.qt.sections import scrolled, text_label
from napari_fmri_decoder._napari.results.dropped_runs import DroppedRuns
from napari_fmri_decoder._napari.results.open_model import AppliedModel, ModelApplier, open_model
from napari_fmri_decoder._napari.results.open_run import open_run
from napari_fmri_decoder._napari.results.saved_layers import remove_saved_layers
from napari_fmri_decoder._napari.results.show_result import show_result
from napari_fmri_decoder._napari.viewer.dims import show_volume
from napari_fmri_decoder._napari.viewer.undo import all_or_nothing
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.headline import run_headline
from napari_fmri_decoder.pipeline import RunResult
from napari_fmri_decoder.pipeline.saved_run import SavedRun

if TYPE_CHECKING:
    from magicgui.widgets.bases import Widget
    from napari import Viewer

RUN_TIP = "One of the latest runs of this window. Its layers are shown as well."
PAGE_TIP = "Choose a page of results."
MOST = 5
"""Number of runs that are kept, because each holds its samples and models."""


class LookInsideDock(Dock):
    """Shows the results of runs, one page at a time.

    Attributes
    ----------
    run : ListChoice
        Name of the folder of the run; its whole path if two runs have the same name.
    open : OpenRow
        The button that opens a run.
    page : ComboBox
        Title of the page.
    filters, predictions, confusion, scores, curves, probabilities, pca, tsne, voxels, explain, runs : Page
        Each is made when it is first used.
    pages : mapping of Page
        All of them, by title.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, "look_inside_dock")
        self.session.part(DroppedRuns)
        self._runs: dict[str, RunResult | SavedRun] = {}  # the latest first
        self.pages = Pages(self)
        self.append(ListChoice("run", "Run", RUN_TIP))
        self.append(choice_box("page", "Page", PAGE_TIP, list(self.pages)))
        self.open = OpenRow(self.session)
        self.append(self.open)
        self.headline = text_label(NOTHING, "headline")
        self.without_images = text_label("", "without_images")
        self.without_images.setTextFormat(Qt.TextFormat.PlainText)
        self.without_images.hide()
        self.error = Message("run_error")
        self.stack = QStackedWidget()
        form = QFormLayout()
        form.addRow(self.open.native)
        form.addRow(self.open.status)
        form.addRow("Run", self.run.native)
        form.addRow("Page", self.page.native)
        self.rows.addLayout(form)
        self.rows.addWidget(self.headline)
        self.rows.addWidget(self.without_images)
        self.rows.addWidget(self.error)
        self.rows.addWidget(self.stack, 1)
        self.run.changed.connect(self._on_run)
        self.page.changed.connect(self._on_page)
        self.follow(self.session.changed, self._on_changed)
        for work in self.open.works:
            self.follow(work.changed, self.open.refresh)
        self.follow(self.viewer.dims.events.point, self._on_moved)
        self._on_changed("result")

    def __getattr__(self, name: str) -> Any:
        """Make a page when it is first used."""
        if name not in PAGES:
            return super().__getattr__(name)
        page = PAGES[name][1](self)
        self.__dict__[name] = page
        self.stack.addWidget(scrolled(page, f"{page.objectName()}_scroll"))
        page.volume_requested.connect(self._show_volume)
        return page

    def show(  # type: ignore[override]
        self, page: str | None = None, *, wait: bool = True, run: bool = False
    ) -> Widget:
        """Show the dock, or one of its pages.

        Parameters
        ----------
        page : str, optional
            Title of the page, such as "Confusion matrices".
        wait : bool
            Whether to return only when the page is drawn.
        run : bool
            Whether to start the event loop; see `magicgui.widgets.Widget.show`.

        Returns
        -------
        Widget
            The dock.

        Raises
        ------
        InputError
            If there is no such page, or if no run has finished, with the sentence that the dock shows.
        """
        if page is None:
            return super().show(run)
        if page not in self.pages:
            raise InputError(f"The page must be one of {', '.join(self.pages)}; got {page!r}.")
        shown = self.selected
        if shown is None and self.pages[page].needs_run:
            raise InputError(NOTHING)
        self.page.value = page
        super().show(run)
        to_front(self.native)
        if shown is not None:
            self.pages[page].update_result(shown)  # also where another tab is in front
        if wait:
            self.pages[page].wait()
        return self

    def catch_up(self) -> None:
        """Show the current result of the session."""
        self._on_changed("result")
        self.open.refresh()

    @property
    def selected(self) -> RunResult | SavedRun | None:
        """The selected run, with or without its images."""
        return self._runs.get(self.run.value)

    @property
    def result(self) -> RunResult | None:
        """The selected run; None if its images are missing."""
        selected = self.selected
        return selected if isinstance(selected, RunResult) else None

    def open_run(
        self, folder: str | Path, *, images: str | Path | None = None, wait: bool = True
    ) -> RunResult | SavedRun | None:
        """Open the folder of a finished run: its data, settings and results, as after training.

        Parameters
        ----------
        folder : str or Path
        images : str or Path, optional
            Folder in which files that were moved are looked for. Without its images, what the run folder
            holds is shown.
        wait : bool
            Whether to return only when it is open.

        Returns
        -------
        RunResult, or SavedRun without its images
            None without waiting.

        Raises
        ------
        InputError
            If the folder contains no finished run, or does not fit the series in the viewer.
        """
        where = None if images is None else Path(images).expanduser()
        job = open_run(self.viewer, folder, images=where, ask=False)
        if not wait or job is None:
            return None
        job.wait()
        return self.selected

    def open_model(self, path: str | Path, *, wait: bool = True) -> AppliedModel | None:
        """Apply a trained model to the selected series, else to the one chosen in Prepare.

        Parameters
        ----------
        path : str or Path
            The model.safetensors of a run folder.
        wait : bool
            Whether to return only when its layers are shown.

        Returns
        -------
        AppliedModel or None
            None without waiting.

        Raises
        ------
        InputError
            If there is no series, or the model does not fit it.
        """
        job = open_model(self.viewer, path)
        if not wait:
            return None
        job.wait()
        return self.session.part(ModelApplier).applied

    def _on_changed(self, name: str) -> None:
        if name not in ("result", "saved"):
            return
        results = self.session.state.results
        for run in (results.result, results.saved):
            if run is not None and run not in self._runs.values():
                self._add(run)
        self._refresh()

    def _add(self, run: RunResult | SavedRun) -> None:
        """List a run first, and select it."""
        name = run.folder.name
        if name in self._runs and self._runs[name].folder != run.folder:
            name = str(run.folder)
        others = [(key, one) for key, one in self._runs.items() if key != name]
        self._runs = dict([(name, run), *others][:MOST])
        with self.run.changed.blocked():
            self.run.relist(list(self._runs))
            self.run.value = name

    @guard("error")
    def _on_run(self) -> None:
        """Show the layers of the selected run."""
        if self.result is not None:
            with all_or_nothing(self.session):
                remove_saved_layers(self.session)
                show_result(self.session, self.result)
            self._refresh()
        elif self.selected is not None:
            open_run(self.viewer, self.selected.folder, ask=False)

    def _refresh(self) -> None:
        run = self.selected
        why = None if run is not None else NOTHING
        set_available(self.run, why, RUN_TIP)
        self.headline.setText(NOTHING if run is None else run_headline(run.scores).html)
        missing = run.missing if isinstance(run, SavedRun) else ""
        self.without_images.setText(missing)
        self.without_images.setVisible(bool(missing))
        self._on_page()

    def _on_page(self) -> None:
        """Draw the visible page; the others are drawn when they become visible."""
        page = self.pages[self.page.value]
        areas = (self.stack.widget(i) for i in range(self.stack.count()))
        self.stack.setCurrentWidget(next(area for area in areas if area and area.isAncestorOf(page)))
        self.stack.setEnabled(self.selected is not None or not page.needs_run)
        if self.selected is not None and self.visible:
            page.update_result(self.selected)

    def _on_moved(self, event: Any = None) -> None:
        self.filters.update_position()

    def _show_volume(self, volume: int) -> None:
        if self.result is not None:
            show_volume(self.viewer, volume, self.result.prepared.series.step)

    def on_shown(self) -> None:
        """Draw what changed while hidden."""
        super().on_shown()
        self._on_page()
