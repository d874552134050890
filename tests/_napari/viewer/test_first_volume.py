"""In an empty viewer, a series shows and reads only its first volume."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_fmri_decoder._napari.viewer.first_volume import begin_at_first_volume


class Watched:
    """A series that records which volumes are read."""

    def __init__(self, n: int) -> None:
        self.shape, self.ndim, self.dtype = (n, 5, 6, 7), 4, np.dtype(np.int16)
        self.read: set[int] = set()

    def __getitem__(self, key: Any) -> Any:
        self.read.add(key[0].start)
        return np.zeros(self.shape, self.dtype)[key]


def series(n: int = 40) -> Image:
    return Image(Watched(n), contrast_limits=(0, 1), rgb=False, scale=(2.5, 3, 3, 3))


@pytest.mark.parametrize(("helped", "read"), [(True, {0}), (False, {0, 19})])
def test_only_the_first_volume_is_read_and_shown(helped: bool, read: set[int]):
    viewer = ViewerModel()
    if helped:
        begin_at_first_volume(viewer)
    layer = viewer.add_layer(series())
    assert layer.data.read == read
    assert viewer.dims.current_step == (max(read), 2, 2, 3)


def test_the_sliders_move_normally_afterwards():
    viewer = ViewerModel()
    begin_at_first_volume(viewer)
    viewer.add_layer(series())
    viewer.dims.set_current_step(0, 7)
    viewer.add_layer(series())
    begin_at_first_volume(viewer)
    viewer.add_layer(series())
    assert viewer.dims.current_step[0] == 7
