"""Cross-decoding through a recipe: both directions are scored, whole runs stay apart."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from small import write_small

from napari_fmri_decoder.pipeline import finish, run
from napari_fmri_decoder.recipe import load_recipe


def test_both_directions_are_those_of_scikit_learn(tmp_path):
    path = write_small(tmp_path, 'name = "linear"\nC = 0.1', strength=6.0)
    rows = pd.read_csv(tmp_path / "volumes.tsv", sep="\t")
    rows["half"] = np.where(np.arange(len(rows)) % 16 < 8, "early", "late")
    rows.to_csv(tmp_path / "volumes.tsv", sep="\t", index=False)
    where = 'train_where = {half = "early"}\ntest_where = {half = "late"}'
    path.write_text(f"{path.read_text()}\n[split]\n{where}\n[report]\nfigures = 'none'")
    result = finish(run(load_recipe(path), tmp_path, tmp_path / "run"))
    samples = result.prepared.samples
    half, runs = samples.table["half"].to_numpy(), samples.groups
    expected = {}
    for first, second in (("early", "late"), ("late", "early")):
        right = []
        for held in np.unique(runs):
            train, test = (half == first) & (runs != held), (half == second) & (runs == held)
            mean, std = samples.X[train].mean(axis=0), samples.X[train].std(axis=0)
            std[std == 0] = 1
            model = LogisticRegression(C=0.1, tol=1e-8, max_iter=2000)
            model.fit((samples.X[train] - mean) / std, samples.y[train])
            right.append(model.score((samples.X[test] - mean) / std, samples.y[test]))
        expected[f"{first} to {second}"] = pytest.approx(np.mean(right))
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert scores["directions"] == expected
    assert scores["accuracy"] == pytest.approx(np.mean(list(scores["directions"].values())))
    assert 0.5 < scores["accuracy"] < 1
    assert "Cross-decoding, training to test: early to late" in (tmp_path / "run" / "report.html").read_text()
