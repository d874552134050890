"""Samples that open with all settings, and what they say about them."""

import re
from typing import Any

import numpy as np
import pytest

from napari_fmri_decoder._napari.guide import samples
from napari_fmri_decoder._napari.guide.samples import SAMPLES, SampleOpener
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.pipeline.demo import demo_recipe
from napari_fmri_decoder.samples.example_data import make_phantom
from napari_fmri_decoder.samples.example_data.maps import CATEGORIES, make_sample_maps


def opened(viewer: Any, name: str) -> Session:
    session = Session.of(viewer)
    session.part(SampleOpener).open(name).wait()
    return session


def test_the_phantom_has_the_settings_of_the_demo_and_keeps_its_eyes(viewer: Any) -> None:
    session, known = opened(viewer, "phantom"), make_phantom()
    state = session.state
    np.testing.assert_array_equal(session.series.at(7), known.bold.at(7))
    assert state.labeling.table["label"].tolist() == known.table["label"].tolist()
    assert state.labeling.table["run"].tolist() == known.table["run"].tolist()
    mask, truth = state.preparation.mask.at(0) > 0, known.truth.at(0) > 0
    assert mask[truth].all(), "eyes and visual cortex, which respond"
    np.testing.assert_array_equal(mask, known.mask.at(0) > 0)
    recipe = demo_recipe()
    assert state.preparation.slab == recipe.slab.slab()
    assert (state.recipe.decoder, state.recipe.training) == (recipe.decoder, recipe.training)
    assert session.part(SampleOpener).message == SAMPLES["phantom"].expect
    assert {layer.name for layer in viewer.layers} == {"phantom anatomy", "phantom", "threshold mask"}


def test_the_maps_have_their_labels_and_mask(viewer: Any) -> None:
    session, (maps, mask) = opened(viewer, "category_maps"), make_sample_maps()
    table = session.state.labeling.table
    assert table["label"].tolist() == [re.search("cat-(.)", name)[1] for name in maps.names]
    assert table["run"].tolist() == [re.search("ses-(.)", name)[1] for name in maps.names]
    assert sorted(set(table["label"])) == list(CATEGORIES)
    np.testing.assert_array_equal(session.state.preparation.mask.at(0) > 0, mask.at(0) > 0)


def test_without_a_network_one_sentence_says_what_to_do(
    viewer: Any, notified: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("NILEARN_DATA", str(tmp_path))

    def offline(*args: Any, **options: Any) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr("nilearn.datasets.fetch_haxby", offline)
    with pytest.raises(InputError, match=r"needs a network; .* Connect to the network"):
        opened(viewer, "haxby_2001")
    assert len(notified) == 1
    assert "Connect to the network" in Session.of(viewer).part(SampleOpener).message
    assert not viewer.layers


def test_a_sample_that_fails_leaves_nothing_behind(viewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any) -> None:
        raise InputError("The mask must fit, but does not.")

    monkeypatch.setattr("napari_fmri_decoder._napari.results.session_from_recipe.apply_mask", fails)
    with pytest.raises(InputError, match="must fit"):
        opened(viewer, "category_maps")
    assert not viewer.layers
    assert Session.of(viewer).state.recipe is None
    assert Session.of(viewer).part(SampleOpener).job is None


def test_every_sample_says_what_to_press_and_what_to_expect() -> None:
    for sample in samples.SAMPLES.values():
        assert sample.expect.startswith("Next: press Train.")
        assert "chance" in sample.expect
