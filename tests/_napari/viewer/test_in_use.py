"""The only series is chosen; labels, mask and slab of a deleted series never move to another one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from small import series as small_series

from napari_fmri_decoder._napari.layers.display import SCANNER
from napari_fmri_decoder._napari.qt.undo_notice import DropNotifier
from napari_fmri_decoder._napari.viewer.in_use import MADE
from napari_fmri_decoder._napari.viewer.session import Session
from napari_fmri_decoder._napari.viewer.state import PART_OF
from napari_fmri_decoder.samples.labels import label_table, parse_labels
from napari_fmri_decoder.samples.masks import make_mask
from napari_fmri_decoder.samples.masks.intensity import ThresholdMask
from napari_fmri_decoder.samples.slab_config import SlabConfig
from napari_fmri_decoder.volumes.nifti import write
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from napari.layers import Layer

LABELS = {"source": "blocks", "blocks": "4 closed, 8 open, 4 closed, 4 times", "chunk": 16}


class Work:
    """A series with labels, mask and slab, as the docks make them."""

    def __init__(self, viewer: Any) -> None:
        self.viewer, self.session = viewer, Session.of(viewer)
        self.session.part(DropNotifier)
        self.volume, _ = small_series()
        self.series = self.session.add(self.volume)
        mean = self.volume.mean()
        self.anatomy = self.session.add(replace(mean, name="T1"))
        config = ThresholdMask(above=10)
        mask, _ = make_mask(config, self.volume, Path())
        self.mask = self.session.add(mask)
        session = self.session
        session.take_step("mask", [self.mask], mask=mask, mask_config=config, mask_layer=self.mask)
        cut = SlabConfig(rotate_x=5, start=2, stop=5)
        placed = cut.placed(self.volume, mask)
        self.slab = session.add(
            Volume(np.zeros((*placed.grid.shape, 64), np.float32), placed.scanner.affine, "bold", 2.0),
            metadata={MADE: True},
        )
        session.take_step(
            "slab",
            [self.slab],
            slab=cut.slab(),
            slab_placement=placed,
            slab_layer=self.slab,
            angles=(5.0, 0.0, 0.0),
            frame=placed.screen,
        )
        labels = parse_labels(LABELS)
        session.update(labels=labels, table=label_table(labels, self.volume, Path())[0])

    def belongings(self) -> dict[str, Any]:
        names = (
            *("labels", "table", "prepared", "mask", "mask_config", "mask_layer"),
            *("slab", "slab_placement", "slab_layer"),
        )
        values = self.session.state.values()
        return {name: values[name] for name in names}

    def delete(self, *layers: Layer) -> None:
        self.viewer.layers.selection = set(layers)
        self.viewer.layers.remove_selected()


@pytest.fixture
def work(viewer: Any) -> Work:
    return Work(viewer)


def seen(viewer: Any) -> list[tuple[Any, ...]]:
    """Each layer with everything that a user sees of it."""
    return [
        (layer, layer.name, layer.visible, layer.opacity, layer.blending, layer.affine.affine_matrix.tolist())
        for layer in viewer.layers
    ]


def test_the_only_series_is_chosen_without_a_dock(viewer: Any, tmp_path: Path) -> None:
    session = Session.of(viewer)
    volume, _ = small_series(n_runs=1)
    write(volume, tmp_path / "run_bold.nii.gz")
    (layer,) = viewer.open(str(tmp_path / "run_bold.nii.gz"), plugin="napari-fmri-decoder")
    assert session.state.preparation.series is layer
    second = session.add(replace(volume, name="second"))
    assert session.state.preparation.series is layer, "the choice stays as it was"
    viewer.layers.remove(layer)
    assert session.state.preparation.series is second, "again the only one"


def test_with_several_none_is_chosen_for_the_user(viewer: Any) -> None:
    session = Session.of(viewer)
    volume, _ = small_series(n_runs=1)
    layers = [session.add(replace(volume, name=name)) for name in ("first", "second", "third")]
    assert session.state.preparation.series is layers[0]
    viewer.layers.remove(layers[0])
    assert session.state.preparation.series is None


def test_a_cut_slab_is_not_chosen_by_itself(work: Work) -> None:
    work.delete(work.series)
    assert work.slab in work.viewer.layers
    assert work.session.state.preparation.series is None


def test_deleting_the_series_drops_all_that_belongs_to_it_and_undo_brings_it_back(
    work: Work, notified: list[Any], qtbot: Any
) -> None:
    session, before, layers = work.session, work.session.state.values(), seen(work.viewer)
    other = session.add(replace(work.volume, name="other"))
    work.delete(work.series)
    assert session.state.preparation.series is other, "it is the only one now"
    assert set(work.belongings().values()) == {None}
    qtbot.waitUntil(lambda: len(notified) == 1)
    for word in ("small_bold", "deleted", "labels", "mask", "slab", "Undo"):
        assert word in notified[0].message
    assert [text for text, _ in notified[0].actions] == ["Undo"]
    notified[0].actions[0][1](None)
    work.viewer.layers.remove(other)
    after = session.state.values()
    for name in PART_OF:
        assert after[name] is before[name], name
    assert seen(work.viewer) == layers
    assert [step.name for step in session.steps] == ["mask", "slab"]


def test_deleting_everything_is_one_step(work: Work, notified: list[Any], qtbot: Any) -> None:
    session, before, layers = work.session, work.session.state.values(), seen(work.viewer)
    work.delete(*work.viewer.layers)
    assert session.state.scene.frame.is_identity
    qtbot.waitUntil(lambda: len(notified) == 1)
    session.undo()
    assert {name for name, value in session.state.values().items() if value is not before[name]} == set()
    assert seen(work.viewer) == layers
    session.undo()
    session.undo()
    assert [layer.name for layer in work.viewer.layers] == ["small_bold", "T1"]


@pytest.mark.parametrize(
    ("which", "lost"),
    [
        ("anatomy", {"anatomy"}),
        ("mask", {"mask", "mask_config", "mask_layer"}),
        ("slab", {"slab", "slab_placement", "slab_layer"}),
    ],
)
def test_the_same_for_anatomy_mask_and_slab(
    work: Work, notified: list[Any], qtbot: Any, which: str, lost: set[str]
) -> None:
    session, before, layers = work.session, work.session.state.values(), seen(work.viewer)
    work.delete(getattr(work, which))
    now = session.state.values()
    assert {name for name, value in now.items() if value is not before[name]} == lost
    assert all(now[name] is None for name in lost)
    qtbot.waitUntil(lambda: len(notified) == 1)
    session.undo()
    assert all(value is before[name] for name, value in session.state.values().items())
    assert seen(work.viewer) == layers


def test_renaming_hiding_and_reordering_change_nothing(work: Work, notified: list[Any], qtbot: Any) -> None:
    before = work.session.state.values()
    for layer in (work.series, work.anatomy, work.mask, work.slab):
        layer.name = f"{layer.name} renamed"
        layer.visible = not layer.visible
    work.viewer.layers.move(0, 3)
    qtbot.wait(50)
    assert all(value is before[name] for name, value in work.session.state.values().items())
    assert not notified


def test_choosing_another_series_drops_them_too(work: Work, notified: list[Any], qtbot: Any) -> None:
    session, before = work.session, work.session.state.values()
    other = session.add(replace(work.volume, name="other"))
    session.in_use.choose_series(other)
    assert session.state.preparation.series is other
    assert set(work.belongings().values()) == {None}
    qtbot.waitUntil(lambda: len(notified) == 1)
    assert "labels, mask and slab of 'small_bold' were dropped" in notified[0].message
    session.undo()
    assert all(value is before[name] for name, value in session.state.values().items())


def test_data_of_another_size_drop_them_and_undo_shows_the_old_data(
    work: Work, notified: list[Any], qtbot: Any
) -> None:
    session, before = work.session, work.session.state.values()
    session.update(frame=SCANNER)
    before["frame"] = SCANNER
    work.series.data = np.asarray(work.series.data)[:40] * 2  # as another plugin does
    assert session.series.n_volumes == 40
    assert set(work.belongings().values()) == {None}
    qtbot.waitUntil(lambda: len(notified) == 1)
    session.undo()
    assert session.series is work.volume
    assert all(value is before[name] for name, value in session.state.values().items())
    work.series.data = np.asarray(work.series.data) * 2
    assert session.state.labeling.table is before["table"], "the same size: labels still fit"


def test_undo_refuses_what_cannot_be_shown_together(work: Work) -> None:
    from napari_fmri_decoder.errors import InputError

    session = work.session
    work.delete(*work.viewer.layers)
    maps = session.add(replace(work.volume, kind="stat", step=None, name="maps"))
    with pytest.raises(InputError, match="same first axis"):
        session.undo()
    assert list(work.viewer.layers) == [maps]
    assert session.steps[-1].name == "deletion"


def test_closing_the_viewer_shows_no_message(work: Work, notified: list[Any], qtbot: Any) -> None:
    work.viewer.close()
    qtbot.wait(50)
    assert not notified
