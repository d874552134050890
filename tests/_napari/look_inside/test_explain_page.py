"""Any registered explanation can be computed in the Look inside dock, with its options in a form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pytest
from pydantic import Field
from small import write_small
from small_result import SLAB, small_result

from napari_fmri_decoder._napari.look_inside.dock import LookInsideDock
from napari_fmri_decoder._napari.look_inside.explain_page import ALL, CURRENT, FOLDS, MEAN, ExplainPage
from napari_fmri_decoder._napari.results.show_result import show_result
from napari_fmri_decoder._napari.viewer.dims import show_volume
from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.explain import Explainer, Explanation, explainers
from napari_fmri_decoder.explain.activations import activations
from napari_fmri_decoder.pipeline import explain_run, finish, run
from napari_fmri_decoder.recipe import load_recipe
from napari_fmri_decoder.volumes.read import read

if TYPE_CHECKING:
    from napari_fmri_decoder.pipeline import RunResult


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """All voxels of the small series, decoded by a small network; each run is held out once."""
    return small_result(tmp_path_factory.mktemp("run"))


@pytest.fixture
def page(viewer: Any, result: RunResult) -> ExplainPage:
    """The page in a window that shows a run."""
    return shown_page(viewer, result)


def shown_page(viewer: Any, result: RunResult) -> ExplainPage:
    dock = LookInsideDock(viewer)
    viewer.window.add_dock_widget(dock)
    dock.session.add(result.prepared.series)
    show_result(dock.session, result)
    dock.session.update(result=result, prepared=result.prepared)
    dock.show(ExplainPage.title)
    return dock.explain


def compute(page: ExplainPage, qtbot: Any) -> Any:
    """Press the button, and give the layer that appears."""
    page.button.native.click()
    qtbot.waitUntil(lambda: page.map.enabled and not page.about.isVisible())
    (layer,) = page.session.viewer.layers.selection
    return layer


def test_a_volume_is_explained_by_the_model_that_held_it_out(
    page: ExplainPage, result: RunResult, qtbot: Any
) -> None:
    show_volume(page.session.viewer, 20, 2.0)  # in the second run
    layer = compute(page, qtbot)
    samples = result.prepared.samples
    expected = activations(result.folds[1].model, samples.X[20:21], samples.space, "conv1")[0]
    assert len(page.map) == len(expected)
    for number in (0, len(expected) - 1):
        page.map.value = f"conv1 filter {number}"
        volume = page.session.volume(layer)
        assert volume is not None
        np.testing.assert_allclose(volume.at(0), expected[number], atol=1e-6)
    assert layer.name == f"cnn2d conv1 filter {len(expected) - 1}"
    assert "The map" in page.map.tooltip
    page.draw(result)  # as for another run
    assert not page.map.enabled
    assert layer not in page.session.viewer.layers


def test_the_mean_is_of_the_model_of_all_samples_and_marked(
    page: ExplainPage, result: RunResult, qtbot: Any
) -> None:
    page.samples.value = MEAN
    layer = compute(page, qtbot)
    samples = result.prepared.samples
    expected = activations(result.model, samples.X, samples.space, "conv1").mean(axis=0)[0]
    volume = page.session.volume(layer)
    assert volume is not None
    np.testing.assert_allclose(volume.at(0), expected, atol=1e-5)
    assert layer.name.endswith("(seen in training)")


def test_a_script_computes_maps_and_chooses_one(viewer: Any, result: RunResult) -> None:
    dock = LookInsideDock(viewer)
    dock.session.add(result.prepared.series)
    dock.session.update(result=result)
    dock.explain.method.layer.value = "conv2"  # the page was never shown
    dock.explain.samples.value = MEAN
    dock.explain.compute()
    dock.explain.map.value = "conv2 filter 1"
    (layer,) = viewer.layers.selection
    assert layer.name == "cnn2d conv2 filter 1 (seen in training)"
    with pytest.raises(ValueError, match="not a valid choice"):
        dock.explain.map.value = "conv2 filter 99"


@pytest.fixture
def constant() -> Iterator[None]:
    """A method from elsewhere, with an option."""

    class Constant(Explainer):
        """A constant."""

        summary: ClassVar[str] = "The same value everywhere"
        name: Literal["constant"] = "constant"
        level: float = Field(1.0, description="The value.", ge=0, le=9)

        def explain(self, model: Any, X: Any, space: Any) -> Explanation:
            values = np.full((len(X), 1, *space.grid.shape), self.level, np.float32)
            return Explanation(values, ("constant",), space.grid)

    yield
    explainers.pop("constant", None)


def test_a_registered_method_has_its_options_in_the_form(
    constant: None, viewer: Any, result: RunResult, qtbot: Any
) -> None:
    page = shown_page(viewer, result)
    page.method.method.value = "constant"
    assert "The value." in page.method.level.tooltip
    page.method.level.value = 3.0
    page.samples.value = MEAN
    layer = compute(page, qtbot)
    assert layer.name == "cnn2d constant (seen in training)"
    np.testing.assert_array_equal(page.session.volume(layer).at(0), 3.0)


def test_a_model_that_cannot_be_explained_disables_the_button(viewer: Any, tmp_path: Any) -> None:
    linear = small_result(tmp_path, {"name": "linear", "C": 0.1})
    page = shown_page(viewer, linear)
    assert not page.button.enabled
    assert "convolution" in page.button.tooltip
    with pytest.raises(InputError, match="convolution"):
        page.compute()


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A rotated slab, decoded by `lda`."""
    return small_result(tmp_path_factory.mktemp("linear"), {"name": "lda"}, slab=SLAB)


@pytest.mark.parametrize("method", ["weights", "pattern"])
def test_maps_of_a_linear_model_are_at_the_place_of_its_voxels(
    method: str, viewer: Any, linear: RunResult, qtbot: Any
) -> None:
    page = shown_page(viewer, linear)
    page.method.method.value = method
    assert page.button.enabled
    assert list(page.samples.choices) == [FOLDS, ALL]
    for models, chosen in (("folds", FOLDS), ("all", ALL)):
        page.samples.value = chosen
        layer = compute(page, qtbot)
        expected = explain_run(linear, {"name": method}, models=models).maps
        assert list(page.map.choices) == ["closed", "open"]
        page.map.value = "open"
        volume = page.session.volume(layer)
        np.testing.assert_allclose(volume.at(0), expected.values[0, 1], rtol=1e-6)
        np.testing.assert_allclose(volume.affine, linear.prepared.samples.space.grid.affine, atol=1e-9)
        low, high = layer.contrast_limits
        assert low == -high == pytest.approx(-np.abs(expected.values[0, 1]).max())
        assert layer.colorbar.visible
        assert layer.name == f"lda {method} open" + (" (mean over folds)" if models == "folds" else "")
    page.method.method.value = "activation"
    assert not page.button.enabled
    assert list(page.samples.choices) == [CURRENT, MEAN]


def test_a_reopened_run_shows_the_maps_of_its_folder(viewer: Any, tmp_path: Any, qtbot: Any) -> None:
    recipe = write_small(
        tmp_path, 'name = "lda"\n[slab]\nrotate_x = 20\nstart = 2\nstop = 5\n[report]\nfigures = "none"'
    )
    folder = finish(run(load_recipe(recipe), tmp_path, tmp_path / "run")).folder
    stored = read(folder / "layers" / "stat-pattern_desc-lda_statmap.nii.gz")
    dock = LookInsideDock(viewer)
    viewer.window.add_dock_widget(dock)
    dock.open_run(folder)
    dock.explain.method.method.value = "pattern"
    dock.explain.samples.value = ALL
    dock.explain.compute()
    dock.explain.map.value = "open"
    (layer,) = viewer.layers.selection
    volume = dock.session.volume(layer)
    np.testing.assert_allclose(volume.at(0), stored.at(1), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(volume.affine, stored.affine, atol=1e-4)


def test_without_images_a_reopened_run_shows_the_stored_maps(viewer: Any, tmp_path: Any) -> None:
    recipe = write_small(tmp_path, 'name = "lda"\n[report]\nfigures = "none"')
    folder = finish(run(load_recipe(recipe), tmp_path, tmp_path / "run")).folder
    (tmp_path / "small_bold.nii.gz").unlink()
    dock = LookInsideDock(viewer)
    viewer.window.add_dock_widget(dock)
    dock.open_run(folder)
    shown = {layer.name: dock.session.volume(layer) for layer in viewer.layers}
    for method in ("weights", "pattern"):
        (name,) = [name for name in shown if f"stat-{method}_desc-lda" in name]
        assert shown[name].names == ("closed", "open")
        assert shown[name].kind == "stat"
