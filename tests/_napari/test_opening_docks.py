"""Opening docks changes no layer, and unticking "auto" keeps the number that it meant, in every dock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from magicgui.widgets.bases import ContainerWidget
from qtpy.QtWidgets import QTabWidget
from small import series as small_series
from small_result import SLAB, small_result

from napari_fmri_decoder._napari.forms.automatic import Automatic
from napari_fmri_decoder._napari.layers.to_layer import HELPER, KEY
from napari_fmri_decoder._napari.qt.voxel_count import VoxelCount
from napari_fmri_decoder._napari.results.show_result import show_result
from napari_fmri_decoder._napari.viewer.preparation import mask_from_config
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder.decoders import registry
from napari_fmri_decoder.decoders.mlp import MLP
from napari_fmri_decoder.samples.labels import label_sources, label_table, parse_labels
from napari_fmri_decoder.samples.masks import make_mask, parse_mask
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.volumes.volume import Volume

DOCKS = ("View", "Prepare", "Labels", "Train", "Look inside")
UNKNOWN = {("decoder", "C"), ("decoder", "shrinkage"), ("labels", "lag")}
"""Values that are chosen in each training set, so that there is no number to keep."""
LABELS = {"source": "blocks", "blocks": "4 closed, 8 open, 4 closed, 4 times", "chunk": 16}


def layers_as_seen(viewer: Any) -> list[dict[str, Any]]:
    """All properties of all layers that napari saves, and which layers are selected."""
    seen = []
    for layer in viewer.layers:
        data, properties, kind = layer.as_layer_data_tuple()
        properties = {name: value for name, value in properties.items() if name != "metadata"}
        seen.append(
            {"data": id(data), "kind": kind, "selected": layer in viewer.layers.selection, **properties}
        )
    return seen


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return bool(repr(one) == repr(other))


def test_opening_all_docks_changes_no_layer(viewer: Any, person: Any, tmp_path: Path) -> None:
    session = Session.of(viewer)
    volume, _ = small_series()
    session.add(volume)
    mean = volume.mean()
    session.add(replace(mean, name="T1"), visible=False, opacity=0.4)
    zmap = Volume(mean.data / 100 - 2, volume.affine, "stat", name="map")
    session.add(zmap, opacity=0.3, blending="additive")
    session.add(make_mask(parse_mask({"strategy": "threshold", "above": 10}), volume, Path())[0])
    viewer.add_points([[0, 0, 0]], name="points", visible=False)
    result = small_result(tmp_path, slab=SLAB)
    for layer in show_result(session, result):
        layer.visible, layer.opacity = "conv" in layer.name, 0.7
    session.update(result=result, prepared=result.prepared)
    viewer.layers.selection = {viewer.layers["map"]}
    before = layers_as_seen(viewer)
    for name in DOCKS:
        dock = person.dock(name)
        for tabs in dock.native.findChildren(QTabWidget):
            for index in range(tabs.count()):
                tabs.setCurrentIndex(index)
                person.qtbot.wait(50)
        if name == "Look inside":
            for page in dock.pages:
                dock.page.value = page
                person.qtbot.wait(50)
    person.qtbot.wait(300)
    after = layers_as_seen(viewer)
    assert [one["name"] for one in after] == [one["name"] for one in before]
    for one, other in zip(before, after, strict=True):
        changed = {key: (one[key], other[key]) for key in one if not same(one[key], other[key])}
        assert not changed, one["name"]


def automatic(widget: Any) -> Iterator[Automatic]:
    """All controls with an automatic value inside a widget."""
    for part in widget:
        if isinstance(part, Automatic):
            yield part
        elif isinstance(part, ContainerWidget):
            yield from automatic(part)


@pytest.fixture
def prepared(viewer: Any) -> Session:
    """A session with series, labels and mask."""
    session = Session.of(viewer)
    volume, _ = small_series()
    session.add(volume)
    made = mask_from_config(parse_mask({"strategy": "threshold", "above": 10}), volume)
    session.update(mask=made.mask, mask_config=made.config)
    labels = parse_labels(LABELS)
    session.update(labels=labels, table=label_table(labels, volume, Path())[0])
    return session


def untick(control: Automatic) -> Any:
    """Tick and untick "auto" by hand; with another number in between, if its meaning is known."""
    number = control.number
    other = number.value + 3 if number.value + 3 <= number.max else number.value / 2
    control.auto.value = False
    if control.meaning is not None:
        number.value = other
    control.auto.value = True
    control.auto.value = False
    value, control.auto.value = control.number.value, True
    return value


def test_unticking_auto_keeps_what_it_meant_in_every_dock(
    prepared: Session, viewer: Any, person: Any
) -> None:
    """The expected numbers come from what runs with the empty option do."""
    count = prepared.part(VoxelCount)
    series, mask = prepared.series, prepared.state.mask
    assert series is not None
    prepare, labels, train = (person.dock(name) for name in ("Prepare", "Labels", "Train"))
    person.wait(lambda: count.used is not None)
    seen = set()

    def check(place: str, container: Any, expected: dict[str, Any]) -> None:
        for control in automatic(container):
            name = control.name.rstrip("_")
            seen.add(f"{place}.{name}")
            assert name in expected, f"{place}: {name} has an automatic value that this test does not know"
            assert untick(control) == expected[name], f"{place}: {name}"
            assert control.meaning == expected[name] or (place, name) in UNKNOWN

    prepare.rotation.rotate_x.value = 10.0
    person.wait(lambda: prepare.slab.planes.enabled)
    everything = SlabConfig(rotate_x=10.0).placed(series, mask)
    prepare.slab.live_preview.value = False
    check("slab", prepare.slab, {"start": 0, "stop": everything.n_planes})
    for strategy in prepare.mask.form._models:
        prepare.mask.strategy.value = strategy
        check("mask", prepare.mask, {"below": 1e12})
    for source in label_sources:
        labels.source.value = source
        lag = {part.name: part.number.value for part in automatic(labels.source)}  # nested: in each fold
        check("labels", labels.source, lag)
    for hrf, reference in (("none", 0.5), ("spm", 0.0)):
        labels.zmaps.hrf.value = hrf
        check("zmaps", labels.zmaps, {"slice_time_ref": reference})
    n_features = int((mask.at(0) > 0).sum())
    for name, kind in registry.items():
        train.decoder.value = name
        options = {"name": name, "C": 0.1} if name == "linear" else {"name": name}
        decoder = kind.model_validate(options)
        check("training", train.training, TrainingConfig().resolved(decoder).model_dump())
        hidden = MLP().build((n_features,), 2).dense1.out_features
        chosen_in_each_fold = {part.name: part.number.value for part in automatic(train.decoder)}
        check("decoder", train.decoder, {**chosen_in_each_fold, "hidden": hidden})
    for form in (train.split, train.preparation, train.permutation):
        check("train", form, {})
    assert {"slab.stop", "mask.below", "zmaps.slice_time_ref", "training.epochs", "decoder.hidden"} <= seen


def test_the_last_plane_is_kept_where_its_number_is_not_known_yet(viewer: Any, person: Any) -> None:
    session = Session.of(viewer)
    volume, _ = small_series(n_runs=1)
    session.add(volume)
    slab = person.dock("Prepare").slab
    slab.stop.auto.value = False
    assert slab.config().stop is None
    n = SlabConfig().placed(volume, None).n_planes
    person.wait(lambda: slab.stop.value == n)
    assert slab.config().stop == n


def test_helpers_are_no_series(viewer: Any) -> None:
    session = Session.of(viewer)
    volume, _ = small_series(n_runs=1)
    session.add(volume, metadata={HELPER: True})
    assert KEY in viewer.layers[0].metadata
    assert session.state.preparation.series is None
