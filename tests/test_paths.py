"""Which options are paths, and variables of the environment in each of them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import pytest
from pydantic import Field

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.options import Options
from napari_fmri_decoder.paths import is_path, paths_of
from napari_fmri_decoder.recipe import Recipe, input_files, make_recipe, parse_recipe, rebased
from napari_fmri_decoder.samples.labels import label_sources, parse_labels
from napari_fmri_decoder.samples.labels.base import LabelsConfig
from napari_fmri_decoder.samples.masks import mask_strategies
from napari_fmri_decoder.samples.prepare_config import PrepareConfig
from napari_fmri_decoder.samples.zmaps import ZMapsConfig

FULL = """
[data]
images = ["${STUDY}/run-*.nii.gz"]
anatomy = "${STUDY}/T1.nii"
mask = {strategy = "combine", masks = ["${STUDY}/a.nii", {strategy = "file", path = "${STUDY}/b.nii"}]}
[labels]
source = "events"
events = ["${STUDY}/ev/*.tsv"]
[prepare]
confounds = ["csf"]
confounds_files = ["${STUDY}/c1.tsv", "${STUDY:-elsewhere}/c2.tsv"]
[zmaps]
confounds = ["csf"]
confounds_files = ["${STUDY}/c1.tsv"]
[decoder]
name = "linear"
"""


def test_every_path_takes_variables_and_no_other_text_does(monkeypatch):
    monkeypatch.setenv("STUDY", "there")
    recipe = parse_recipe(FULL)
    found = [path for _, path in paths_of(recipe)]
    assert len(found) == 8
    assert all(path.startswith("there/") for path in found)
    pattern = r"(?P<label>[a-z]+)${STUDY}"
    kept = make_recipe(
        {
            "data": {"bids": "${STUDY}/bids", "subjects": ["${STUDY}"]},
            "labels": {"source": "filename", "pattern": pattern},
            "decoder": {"name": "linear"},
        }
    )
    assert (kept.data.bids, kept.data.subjects, kept.labels.pattern) == ("there/bids", ("${STUDY}",), pattern)
    monkeypatch.delenv("STUDY")
    with pytest.raises(InputError, match="STUDY is not"):
        parse_recipe(FULL)


def test_every_path_is_moved_with_a_recipe(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY", "there")
    moved = rebased(parse_recipe(FULL), tmp_path, tmp_path / "run")
    assert all(path.startswith("../there/") for _, path in paths_of(moved))
    assert all(path.startswith(str(tmp_path)) for _, path in paths_of(rebased(moved, tmp_path / "run", None)))


@pytest.mark.parametrize("kind", [Recipe.model_fields["data"].annotation, PrepareConfig, ZMapsConfig])
def test_a_field_that_is_called_a_path_is_marked_as_one(kind):
    for name in ("images", "bids", "anatomy", "confounds_files"):
        if field := kind.model_fields.get(name):
            assert is_path(field), name


def test_all_sources_of_labels_and_masks_mark_their_paths():
    for kind in (*label_sources.values(), *mask_strategies.values()):
        for name, field in kind.model_fields.items():
            says = "relative to the recipe" in (field.description or "")
            assert is_path(field) == says, f"{kind.__name__}.{name}"


def test_a_new_source_of_labels_needs_no_entry_anywhere(monkeypatch, tmp_path):
    class Nested(Options):
        places: tuple[str, ...] = Field((), json_schema_extra={"mode": "files"})

    class OddLabels(LabelsConfig):
        summary: ClassVar[str] = "Odd"
        source: Literal["odd"] = "odd"
        book: str = Field("", json_schema_extra={"mode": "file"})
        inner: Nested = Nested()

        def rows(self, series, base):
            raise NotImplementedError

    try:
        monkeypatch.setenv("STUDY", str(tmp_path))
        for name in ("x.nii", "book.txt", "p1.txt", "p2.txt"):
            (tmp_path / name).touch()
        labels = {"source": "odd", "book": "${STUDY}/book.txt", "inner": {"places": ["${STUDY}/p*.txt"]}}
        content = {"data": {"images": "x.nii"}, "labels": labels, "decoder": {"name": "linear"}}
        recipe = make_recipe(content)
        assert {p.name for p in input_files(recipe, tmp_path)} == {"x.nii", "book.txt", "p1.txt", "p2.txt"}
        moved = rebased(recipe, Path(), tmp_path / "runs" / "a").labels
        assert (moved.book, moved.inner.places) == ("../../book.txt", ("../../p*.txt",))
    finally:
        del label_sources["odd"]


def test_texts_of_options_are_composed_but_paths_stay_as_they_are():
    labels = parse_labels({"source": "table", "table": "Ga\u0308nge.tsv", "exclude": ["Pa\u0308use"]})
    assert labels.exclude == ("P\u00e4use",)
    assert labels.table == "Ga\u0308nge.tsv"
