"""Pictures of slices: pixels compared with nilearn, sides checked in the drawn picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nibabel as nib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from nilearn.image import resample_img, resample_to_img
from PIL import Image

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.figures import map_rows, mosaic, save_picture
from napari_fmri_decoder.evaluation.picture_config import PictureConfig
from napari_fmri_decoder.evaluation.slice_images import one_image, slice_images
from napari_fmri_decoder.volumes.frames import Frame, rotation
from napari_fmri_decoder.volumes.slabs import Slab, cut
from napari_fmri_decoder.volumes.volume import Volume

RAS = np.array([[2.0, 0, 0, -24], [0, 2, 0, -30], [0, 0, 2, -20], [0, 0, 0, 1]])
LAS = np.array([[-2.0, 0, 0, 24], [0, 2, 0, -30], [0, 0, 2, -20], [0, 0, 0, 1]])


def anatomy(affine: np.ndarray = RAS) -> Volume:
    data = np.random.default_rng(0).random((25, 31, 21)).astype(np.float32) * 900 + 100
    return Volume(data, affine, "anatomy", name="T1")


def zmap(tilt: Any = None, shape: tuple[int, ...] = (13, 16, 11), **more: Any) -> Volume:
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if tilt is None else tilt) @ np.diag([3.5, 3.5, 3.5])
    affine[:3, 3] = affine[:3, :3] @ (-(np.array(shape[:3]) - 1) / 2)
    data = np.random.default_rng(1).normal(size=shape).astype(np.float32) * 3
    return Volume(data, affine, "stat", name="z", **more)


def nifti(volume: Volume) -> Any:
    return nib.Nifti1Image(np.asarray(volume.data, np.float32), volume.affine)


@pytest.mark.parametrize("affine", [RAS, LAS], ids=["RAS", "LAS"])
@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_slices_at_voxels_are_the_planes_of_nilearns_resampling(affine: np.ndarray, axis: str):
    below, above = anatomy(affine), zmap(rotation(x=11, y=5))
    config = PictureConfig(axis=axis, positions=(-6.0, 8.0))
    expected = resample_to_img(
        nifti(above), nifti(below), interpolation="linear", force_resample=True, copy_header=True
    ).get_fdata()
    expected, voxels = (np.asarray(v)[:: int(np.sign(affine[0, 0]))] for v in (expected, below.data))
    at = "xyz".index(axis)
    for one, position in zip(slice_images(above, below, config), config.positions, strict=True):
        plane = round((position - RAS[at, 3]) / 2)
        found = np.nan_to_num(one.overlay)
        np.testing.assert_allclose(found, np.take(expected, plane, axis=at), atol=1e-4)
        assert one.anatomy is not None
        np.testing.assert_allclose(one.anatomy, np.take(voxels, plane, axis=at), rtol=1e-5)


def test_slices_of_oblique_scans_in_a_rotated_frame_are_nilearns():
    below = anatomy()
    turned = below.affine.copy()
    turned[:3, :3] = rotation(z=14, x=-9) @ np.diag([2, 2, 3.0])
    below = Volume(below.data, turned, "anatomy")
    frame = Frame.from_angles(x=20, y=-6, z=8, pivot=(5, 0, 3))
    series = Volume(np.asarray(below.data)[..., None].repeat(2, axis=3), turned, "bold", 2.0)
    slab, _ = cut(series, Slab(rotate_x=20, start=12, stop=16, crop=False, interpolation="linear"))
    for above in (zmap(rotation(y=30)), one_image(slab, None)):
        for one in slice_images(above, below, PictureConfig(positions=(10.0, 16.5)), frame):
            for volume, found in ((above, one.overlay), (below, one.anatomy)):
                expected = resample_img(
                    nifti(volume), one.grid.affine, one.grid.shape, interpolation="linear",
                    force_resample=True, copy_header=True,
                ).get_fdata()[..., 0]  # fmt: skip
                assert found is not None
                shown = np.isfinite(found)
                assert shown.any()
                np.testing.assert_allclose(found[shown], expected[shown], atol=2e-3)
    # the pixels are where the frame says
    place = frame.to_frame(one.grid.affine[:3, 3])
    np.testing.assert_allclose(place[2], 16.5, atol=1e-9)
    assert one.extent[0] == pytest.approx(place[0] - 1)


@pytest.mark.parametrize("affine", [RAS, LAS], ids=["RAS", "LAS"])
@pytest.mark.parametrize("radiological", [False, True])
@pytest.mark.parametrize("axis", ["y", "z"])
def test_what_is_left_in_the_scanner_is_drawn_at_the_letter_L(
    affine: np.ndarray, radiological: bool, axis: str
):
    places = np.stack(np.indices((25, 31, 21)), axis=-1) @ affine[:3, :3].T + affine[:3, 3]
    left = (places[..., 0] < -10).astype(np.uint8)
    mask = Volume(left, affine, "mask", name="left")
    config = PictureConfig(axis=axis, positions=(0.0,), radiological=radiological)
    figure = mosaic(mask, anatomy(affine), config)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
    columns = np.nonzero(pixels[..., 2] - pixels[..., 0] > 60)[1]  # blue over gray
    assert columns.size > 100
    letters = {text.get_text(): text.get_window_extent().x0 for text in figure.axes[0].texts}
    assert abs(columns.mean() - letters["L"]) < abs(columns.mean() - letters["R"])
    assert (letters["L"] > letters["R"]) == radiological


def test_sagittal_slices_say_on_which_side_they_are():
    figure = mosaic(zmap(), anatomy(), PictureConfig(axis="x", positions=(-8.0, 0.0, 8.0)))
    titles = [ax.get_title() for ax in figure.axes[:3]]
    assert titles == ["x = \N{MINUS SIGN}8 mm L", "x = 0 mm", "x = 8 mm R"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["P", "A"]


def test_the_color_bar_has_numbers_at_its_ends_and_at_the_threshold():
    config = PictureConfig(threshold=2.5, limit=6)
    figure = mosaic(zmap(), anatomy(), config)
    labels = [label.get_text() for label in figure.axes[-1].get_yticklabels()]
    assert labels == ["\N{MINUS SIGN}6", "\N{MINUS SIGN}2.5", "2.5", "6"]
    for one in slice_images(zmap(), anatomy(), config):
        assert np.nanmin(np.abs(one.overlay)) >= 2.5
    positive = Volume(np.abs(np.asarray(zmap().data)), zmap().affine, "stat", name="F")
    figure = mosaic(positive, None, config)
    assert [label.get_text() for label in figure.axes[-1].get_yticklabels()] == ["2.5", "6"]


@pytest.mark.parametrize("background", ["light", "dark"])
def test_png_and_svg_are_complete_pictures(tmp_path: Path, background: str):
    config = PictureConfig(background=background, count=6, rows=2, title="a < b & $c$")
    figure = mosaic(zmap(), anatomy(), config)
    assert len(figure.axes) == 7
    save_picture(figure, tmp_path / "p.svg")
    root = ElementTree.parse(tmp_path / "p.svg").getroot()
    assert root.tag.endswith("svg")
    assert len(root.findall(".//{*}image")) >= 7  # six slices, each as one image, and the color bar
    ids = [element.get("id") for element in root.iter()]
    assert ids.count("side-left") == ids.count("side-right") == 6
    save_picture(figure, tmp_path / "p.png")
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.getpixel((0, 0))[:3] == {"light": (255, 255, 255), "dark": (0, 0, 0)}[background]
        assert min(picture.size) > 300
    with pytest.raises(InputError, match=r"saved as \.png or \.svg, got p\.tif"):
        save_picture(figure, tmp_path / "p.tif")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot: "):
        save_picture(figure, tmp_path / "file" / "p.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "p.png", "p.svg"]


def test_of_a_series_one_volume_is_shown_or_it_is_refused():
    stack = zmap(shape=(13, 16, 11, 3), names=("a", "b", "c"))
    with pytest.raises(InputError, match=r"shows one map, but z has 3\. Choose a volume from 0 to 2"):
        mosaic(stack, None, PictureConfig())
    with pytest.raises(InputError, match=r"must be from 0 to 2, because z has 3, got 3"):
        mosaic(stack, None, PictureConfig(volume=3))
    np.testing.assert_array_equal(one_image(stack, 1).data, np.asarray(stack.data)[..., 1])
    assert one_image(stack, 1).name == "b"
    bold = Volume(np.abs(np.asarray(stack.data)), stack.affine, "bold", 2.0, name="run")
    np.testing.assert_allclose(one_image(bold, None).data, np.asarray(bold.data).mean(-1), rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"positions": (99.0,)}, r"must be within -20 and 20 mm along z, got 99\. Choose other positions"),
        ({"threshold": 1e6}, r"no voxel of z reaches 1e\+06\. Lower the threshold"),
    ],
)
def test_what_cannot_be_drawn_gives_one_sentence(options: dict[str, Any], sentence: str):
    with pytest.raises(InputError, match=sentence):
        mosaic(zmap(), anatomy(), PictureConfig(**options))


def test_rows_of_maps_share_slices_and_colors_and_an_empty_map_is_a_row():
    """The second map is twice the first, the third is 0 everywhere."""
    one = np.asarray(zmap().data)
    maps = Volume(np.stack([one, 2 * one, 0 * one], axis=-1), zmap().affine, "stat", names=("a", "b", "c"))
    top = float(np.abs(one).max())
    config = PictureConfig(positions=(-6.0, 8.0), threshold=0.5, title="All")
    figure = map_rows(maps, anatomy(), config)
    *slices, bar = figure.axes
    assert len(slices) == 6
    names = [text.get_text() for ax in slices for text in ax.texts if text.get_gid() == "map-name"]
    assert names == ["a", "b", "c"]
    for k, name in enumerate("ab"):
        for ax, alone in zip(
            slices[2 * k :], slice_images(one_image(maps, k), anatomy(), config), strict=False
        ):
            drawn = ax.images[-1]
            assert drawn.norm.vmin == pytest.approx(-2 * top)
            assert drawn.norm.vmax == pytest.approx(2 * top)
            np.testing.assert_allclose(
                np.ma.filled(drawn.get_array(), np.nan), alone.overlay.T, rtol=1e-6, err_msg=name
            )
    assert all(np.isnan(np.ma.filled(ax.images[-1].get_array(), np.nan)).all() for ax in slices[4:])
    assert [float(tick.get_text().replace("\N{MINUS SIGN}", "-")) for tick in bar.get_yticklabels()] == [
        pytest.approx(value, rel=0.01) for value in (-2 * top, -0.5, 0.5, 2 * top)
    ]


def test_captions_say_along_which_axes_the_positions_are():
    config = PictureConfig(axis="z", positions=(-8.0, 8.0))
    rotated = mosaic(zmap(), anatomy(), config, Frame.from_angles(x=20))
    assert [ax.get_title() for ax in rotated.axes[:2]] == [
        "rotated z = \N{MINUS SIGN}8 mm",
        "rotated z = 8 mm",
    ]
    scanner = mosaic(zmap(), anatomy(), config, Frame(np.eye(4)))
    assert scanner.axes[1].get_title() == "z = 8 mm"
