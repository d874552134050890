"""Decoding at many places: nilearn's searchlight, resumed runs, workers, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import pytest
from nilearn.decoding import SearchLight
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import LeaveOneGroupOut

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation import center_scores
from napari_fmri_decoder.pipeline.where import CentersFound, CentersScored, WhereDone, run_where
from napari_fmri_decoder.recipe.parsing import make_recipe
from napari_fmri_decoder.samples.masks.given import FileMask

SHAPE, RUNS, BLOCKS = (7, 6, 5), 4, 6
AFFINE = np.array([[3.0, 0, 0, -9], [0, 3, 0.5, -40], [0, -0.5, 3, 10], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stack of maps of three classes, which differ in one corner of the volume."""
    folder, rng = tmp_path_factory.mktemp("maps"), np.random.default_rng(0)
    labels = np.concatenate([rng.permutation(np.repeat(["a", "b", "c"], BLOCKS // 3)) for _ in range(RUNS)])
    data = rng.normal(size=(*SHAPE, len(labels)))
    pattern = rng.normal(size=(3, 3, 3, 2, 3))
    data[:3, :3, :2] += 2 * np.moveaxis(pattern[[ord(x) - 97 for x in labels]][..., 0], 0, -1)
    nibabel.save(nibabel.Nifti1Image(data.astype(np.float32), AFFINE), folder / "betas.nii.gz")
    mask = np.ones(SHAPE, dtype=np.uint8)
    mask[-1] = 0
    nibabel.save(nibabel.Nifti1Image(mask, AFFINE), folder / "mask.nii.gz")
    atlas = np.ones(SHAPE, dtype=np.int16)
    atlas[:3, :3, :2] = 2
    nibabel.save(nibabel.Nifti1Image(atlas, AFFINE), folder / "atlas.nii.gz")
    (folder / "atlas.tsv").write_text("index\tname\n1\tnoise\n2\tcorner\n")
    runs = np.repeat(np.arange(RUNS) + 1, BLOCKS)
    pd.DataFrame({"label": labels, "run": runs}).to_csv(folder / "volumes.tsv", sep="\t", index=False)
    return folder


def recipe_of(**where: Any) -> Any:
    return make_recipe(
        {
            "data": {"images": "betas.nii.gz", "kind": "stat", "mask": "mask.nii.gz"},
            "labels": {"source": "table", "table": "volumes.tsv"},
            "decoder": {"name": "lda"},
            "where": where,
        }
    )


def done(maps: Path, out: Path, **where: Any) -> WhereDone:
    *_, last = run_where(recipe_of(**where), maps, out)
    assert isinstance(last, WhereDone)
    return last


@pytest.mark.filterwarnings("ignore:Use a custom estimator:UserWarning")
def test_the_map_is_that_of_nilearns_searchlight(maps: Path, tmp_path: Path) -> None:
    result = done(maps, tmp_path / "run", radius_mm=5).result
    table = pd.read_csv(maps / "volumes.tsv", sep="\t")
    light = SearchLight(
        nibabel.Nifti1Image.from_filename(maps / "mask.nii.gz"),
        radius=5,
        estimator=LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
        scoring="accuracy",
        cv=LeaveOneGroupOut(),
    ).fit(nibabel.Nifti1Image.from_filename(maps / "betas.nii.gz"), table["label"], groups=table["run"])
    written = nibabel.Nifti1Image.from_filename(tmp_path / "run/where/accuracy.nii.gz")
    np.testing.assert_allclose(written.affine, AFFINE, atol=1e-5)
    inside = nibabel.Nifti1Image.from_filename(maps / "mask.nii.gz").get_fdata() > 0
    np.testing.assert_allclose(written.get_fdata()[inside], light.scores_[inside], atol=1e-6)
    np.testing.assert_allclose(result.scores, light.scores_[inside], atol=1e-9)
    assert np.isnan(written.get_fdata()[~inside]).all()


def test_the_planted_region_is_first_and_significant(maps: Path, tmp_path: Path) -> None:
    found = done(maps, tmp_path / "run", centers="regions", atlas="atlas.nii.gz", permutations=39)
    table = pd.read_csv(tmp_path / "run/where/centers.tsv", sep="\t")
    assert table["name"].tolist() == ["corner", "noise"]
    assert table["p"][0] == pytest.approx(1 / 40)
    assert table["p"][1] > 0.05
    assert table["voxels"].tolist() == [18, 6 * 6 * 5 - 18]
    summary = json.loads((tmp_path / "run/where/summary.json").read_text())
    assert summary["best"]["name"] == "corner"
    assert summary["n_significant"] == 1
    assert "1 of 2 are significant" in found.result.sentences()[1]
    p = nibabel.Nifti1Image.from_filename(tmp_path / "run/where/p.nii.gz").get_fdata()
    np.testing.assert_allclose(p[:3, :3, :2], 1 / 40, atol=1e-6)


def test_a_map_without_permutations_says_that_it_is_not_tested(maps: Path, tmp_path: Path) -> None:
    result = done(maps, tmp_path / "run", centers="slabs", thickness=2).result
    assert "Not tested" in result.sentences()[1]
    assert not (tmp_path / "run/where/p.nii.gz").exists()


def test_scores_come_while_it_runs(maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(center_scores, "CENTERS", 50)
    events = list(run_where(recipe_of(), maps, tmp_path / "run"))
    found = next(event for event in events if isinstance(event, CentersFound))
    scored = [event for event in events if isinstance(event, CentersScored)]
    assert len(scored) == 4
    together = np.concatenate([event.scores for event in scored])
    assert len(together) == len(found.sets) == 180
    np.testing.assert_array_equal(together, events[-1].result.scores)  # type: ignore[union-attr]


def test_a_stopped_run_resumes_to_the_same_bytes(
    maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(center_scores, "CENTERS", 50)
    options = {"permutations": 9, "radius_mm": 4}
    done(maps, tmp_path / "whole", **options)
    events = run_where(recipe_of(**options), maps, tmp_path / "stopped")
    for event in events:
        if isinstance(event, CentersScored) and 60 in event.centers:
            break
    events.close()
    with pytest.raises(InputError, match="Resume"):
        done(maps, tmp_path / "stopped", **options)
    *_, last = run_where(recipe_of(**options), maps, tmp_path / "stopped", resume=True)
    assert isinstance(last, WhereDone)
    for name in ("accuracy.nii.gz", "p.nii.gz", "centers.tsv", "summary.json"):
        whole, resumed = ((tmp_path / run / "where" / name).read_bytes() for run in ("whole", "stopped"))
        assert whole == resumed, name


def test_workers_give_the_same_scores(maps: Path, tmp_path: Path) -> None:
    alone = done(maps, tmp_path / "alone", radius_mm=4).result
    *_, last = run_where(recipe_of(radius_mm=4), maps, tmp_path / "workers", cluster="local:1")
    assert isinstance(last, WhereDone)
    np.testing.assert_array_equal(last.result.scores, alone.scores)


def test_a_network_decodes_regions(maps: Path, tmp_path: Path) -> None:
    recipe = recipe_of(centers="regions", atlas="atlas.nii.gz", decoder={"name": "mlp", "hidden": 4})
    recipe = recipe.model_copy(update={"training": recipe.training.model_copy(update={"epochs": 20})})
    *_, last = run_where(recipe, maps, tmp_path / "run")
    assert isinstance(last, WhereDone)
    assert last.result.scores[1] > last.result.scores[0]


def test_centers_without_a_pattern_are_skipped_and_counted(maps: Path, tmp_path: Path) -> None:
    mask = np.zeros(SHAPE, dtype=np.uint8)
    mask[:3, :3, :2] = mask[5, 5, 4] = 1  # a single voxel apart from the others
    nibabel.save(nibabel.Nifti1Image(mask, AFFINE), tmp_path / "islands.nii.gz")
    recipe = recipe_of(radius_mm=4)
    data = recipe.data.model_copy(update={"mask": FileMask(path=str(tmp_path / "islands.nii.gz"))})
    *_, last = run_where(recipe.model_copy(update={"data": data}), maps, tmp_path / "run")
    assert isinstance(last, WhereDone)
    assert [i for i, reason in enumerate(last.result.skipped) if reason] == [18]
    assert "1 of 19 were skipped" in last.result.sentences()[-1]
    table = pd.read_csv(tmp_path / "run/where/centers.tsv", sep="\t", na_values="n/a")
    assert np.isnan(table["accuracy"][18])
    assert table["skipped"][18] == "1 of 1 voxels vary; a pattern has at least 2"
    with pytest.raises(InputError, match="1 of 1 voxels vary"):
        done(maps, tmp_path / "none", radius_mm=1)


def test_a_recipe_without_the_section_is_refused(maps: Path, tmp_path: Path) -> None:
    recipe = recipe_of().model_copy(update={"where": None})
    with pytest.raises(InputError, match=r"must have a section \[where\]"):
        next(run_where(recipe, maps, tmp_path / "run"))
    with pytest.raises(InputError, match="a network such as mlp"):
        recipe_of(decoder={"name": "mlp"})
    with pytest.raises(InputError, match="regions need an atlas"):
        recipe_of(centers="regions")
