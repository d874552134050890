from __future__ import annotations

import dataclasses
import typing

import pytest

from napari_fmri_decoder._napari.viewer.state import PART_OF, Labeling, Preparation, Results, Scene, State
from napari_fmri_decoder.volumes.frames import Frame

PARTS = (Scene, Preparation, Labeling, Results)


def test_changes_go_to_the_part_that_holds_the_field():
    rotated = Frame.from_angles(x=10)
    state = State().with_changes(frame=rotated, angles=(10.0, 0.0, 0.0), point=(1.0, 2.0, 3.0))
    assert (state.scene.frame, state.scene.angles) == (rotated, (10.0, 0.0, 0.0))
    assert state.scene.point == (1.0, 2.0, 3.0)


def test_parts_without_changes_stay_the_same_objects():
    before = State()
    after = before.with_changes(radiological=True)
    assert after.preparation is before.preparation
    assert after.labeling is before.labeling
    assert after.results is before.results
    assert not before.scene.radiological
    assert after.changed_fields(before) == ["radiological"]


def test_an_unknown_field_is_refused_with_the_known_ones():
    with pytest.raises(TypeError, match=r"no field 'masks'; its fields are frame, .*mask, .*recipe"):
        State().with_changes(masks=None)


def test_each_field_belongs_to_one_part_and_none_is_any():
    names = [field.name for part in PARTS for field in dataclasses.fields(part)]
    assert sorted([*names, "recipe"]) == sorted(PART_OF)
    types = [field.type for part in (*PARTS, State) for field in dataclasses.fields(part)]
    assert not [kind for kind in types if kind == "Any" or kind is typing.Any]
