"""Write report.html: one page that needs no network; its figures are also saved as files."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from napari_fmri_decoder.evaluation.report.context import (
    Link,
    Methods,
    ReportContext,
    figure_view,
    report_context,
)
from napari_fmri_decoder.evaluation.report.sentences import FILES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from napari_fmri_decoder.evaluation.scores import Scores


def write_report(
    folder: Path,
    *,
    scores: Scores,
    figures: Mapping[str, Figure],
    title: str = "fMRI decoding",
    recipe: str = "",
    notes: Sequence[str] = (),
    pairing: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None,
    versions: Mapping[str, str] | None = None,
    missing_figures: Sequence[str] = (),
    formats: Sequence[str] = ("png", "svg"),
    maps: Mapping[str, str] | None = None,
    treatment: str = "",
    methods: Methods | None = None,
) -> Path:
    """Write `report.html`, and its figures as files, into a run folder.

    Parameters
    ----------
    folder : Path
        The run folder. The report links `scores.json`, and those of `FILES` that are already there.
    scores : Scores
        With baseline, permutation and audit set.
    figures : mapping of str to Figure
        As returned by `run_figures`; saved as `figures/NAME.png` and so on.
    title : str
        Title of the page.
    recipe : str
        The resolved recipe, as TOML.
    notes : sequence of str
        What was excluded or changed during the run, in sentences.
    pairing : (columns, rows), optional
        The files that belong to each image: events, confounds, sidecar; and its run.
    versions : mapping of str to str
        Version of each package by its name.
    missing_figures : sequence of str
        Why a figure that readers expect is missing, in sentences.
    formats : sequence of str
        "png", "svg" or both; the page shows the first.
    maps : mapping of str to str, optional
        Interactive maps as data URLs, by their titles; see `interactive_map`.
    treatment : str
        What was done to the data, in order; see `processing_note`. It is not repeated among the notes.
    methods : Methods, optional

    Returns
    -------
    Path
        Of the page.
    """
    figure_folder = folder / "figures"
    if figures:
        from napari_fmri_decoder.evaluation.figures import save_figures

        save_figures(figures, figure_folder, formats)
    views = [
        figure_view(name, (figure_folder / f"{name}.{formats[0]}").read_bytes(), formats) for name in figures
    ]
    context = report_context(
        scores,
        title=title,
        recipe=recipe,
        notes=notes,
        pairing=pairing,
        versions=versions,
        missing_figures=missing_figures,
        figures=views,
        maps=maps or {},
        treatment=treatment,
        methods=methods,
        files=_files(folder, formats if figures else ()),
    )
    path = folder / "report.html"
    path.write_text(render(context), encoding="utf-8")
    return path


def render(context: ReportContext) -> str:
    """Fill the template; everything in the context is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # takes 0.1 s to load

    environment = Environment(
        loader=PackageLoader("napari_fmri_decoder.evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html.jinja").render(asdict(context))


def _files(folder: Path, formats: Sequence[str]) -> list[Link]:
    links = [
        Link(name, description)
        for name, description in FILES.items()
        if name == "scores.json" or (folder / name).exists()  # scores.json is written last, after this page
    ]
    if formats:
        kinds = " and ".join(ending.upper() for ending in formats)
        links.append(Link("figures/", f"the figures of this report, as {kinds}"))
    return links
