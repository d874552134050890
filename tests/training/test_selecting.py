"""Options are chosen as scikit-learn's grid search chooses them, and the test part has no say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from napari_fmri_decoder.decoders import get_decoder
from napari_fmri_decoder.errors import DivergedError, InputError
from napari_fmri_decoder.evaluation.baselines import baselines
from napari_fmri_decoder.evaluation.permutations import permutation_test
from napari_fmri_decoder.recipe import make_recipe, parse_recipe
from napari_fmri_decoder.training.config import TrainingConfig
from napari_fmri_decoder.training.cross_validate import cross_validate
from napari_fmri_decoder.training.events import FitDone, FoldDone, Note, Progress
from napari_fmri_decoder.training.refitting import refit
from napari_fmri_decoder.training.selecting import candidates
from napari_fmri_decoder.training.tasks.store import TaskStore
from napari_fmri_decoder.training.tasks.tasks import Tasks

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples

GRID = {"C": (0.0003, 0.01, 1.0), "screening": (5.0, 40.0)}


def config(**values: object) -> TrainingConfig:
    return TrainingConfig.model_validate({"epochs": 2, "threads": 1, "device": "cpu"} | values)


def folds_of(samples: Samples, splits, settings: TrainingConfig, **decoder: object):
    events = list(
        cross_validate(
            get_decoder({"name": "linear"} | decoder),
            samples,
            splits,
            settings.resolved(get_decoder({"name": "linear"} | decoder)),
        )
    )
    results = [event.result for event in events if isinstance(event, FoldDone)]
    return results, [event.message for event in events if isinstance(event, Note)], events


@pytest.fixture
def noisy(toy: Samples) -> Samples:
    """The toy with so much noise that candidates differ."""
    noise = np.random.default_rng(5).normal(size=toy.X.shape) * 4 * toy.X.std()
    return replace(toy, X=(toy.X + noise).astype(np.float32))


def test_each_fold_selects_the_options_of_a_grid_search_in_its_training_set(noisy: Samples, thirds) -> None:
    results, _, _ = folds_of(noisy, thirds, config(select=GRID))
    chosen = set()
    for result in results:
        train, test = result.split.train, result.split.test
        search = GridSearchCV(
            make_pipeline(SelectKBest(f_classif), StandardScaler(), LogisticRegression(max_iter=1000)),
            {"logisticregression__C": list(GRID["C"]), "selectkbest__k": [5, 40]},
            cv=list(GroupKFold(4).split(train, groups=noisy.groups[train])),
            scoring="balanced_accuracy",
        ).fit(noisy.X[train].astype(float), noisy.y[train])
        best = search.best_params_
        decoder = result.model.decoder
        assert (decoder.C, result.model.screened.sum()) == (
            best["logisticregression__C"],
            best["selectkbest__k"],
        )
        np.testing.assert_allclose(
            result.probabilities, search.predict_proba(noisy.X[test].astype(float)), atol=2e-5
        )
        chosen.add((decoder.C, int(result.model.screened.sum())))
    assert len(chosen) > 1  # the folds are not of one mind


def test_the_test_part_has_no_say(noisy: Samples, thirds) -> None:
    spoilt = noisy.X.copy()
    spoilt[thirds[0].test] = 1e3
    before, after = (
        folds_of(replace(noisy, X=X), thirds[:1], config(select=GRID))[0][0] for X in (noisy.X, spoilt)
    )
    assert before.model.decoder == after.model.decoder
    np.testing.assert_array_equal(before.model.state["out.weight"], after.model.state["out.weight"])


def test_a_network_is_built_stored_and_reported_as_selected(noisy: Samples, thirds, tmp_path) -> None:
    settings = config(select={"hidden": [4, 9], "learning_rate": [0.1]}, epochs=3)
    mlp = get_decoder({"name": "mlp"})
    store = TaskStore(tmp_path)
    first = list(cross_validate(mlp, noisy, thirds, settings.resolved(mlp), tasks=Tasks(store)))
    again = list(cross_validate(mlp, noisy, thirds, settings.resolved(mlp), tasks=Tasks(store)))
    assert sum(isinstance(e, Progress) for e in first) > 20
    assert not any(isinstance(e, Progress) for e in again)  # read, not fitted
    results = [[e.result for e in events if isinstance(e, FoldDone)] for events in (first, again)]
    for one, other in zip(*results, strict=True):
        assert one.model.decoder.hidden in (4, 9)
        assert one.model.decoder == other.model.decoder
        assert one.model.decoder.hidden in {len(weights) for weights in one.model.state.values()}
        np.testing.assert_array_equal(one.probabilities, other.probabilities)
    told = [e.message for e in first if isinstance(e, Note) and e.message.startswith("hidden = ")]
    assert all("learning_rate = 0.1: selected from 2 candidates by 4 folds of runs" in text for text in told)
    assert told
    (kept,) = (
        e.model
        for e in refit(mlp, noisy, settings.resolved(mlp), tasks=Tasks(store))
        if isinstance(e, FitDone)
    )
    assert kept.decoder.hidden in (4, 9)


def test_permutations_choose_again_and_baselines_do_not(noisy: Samples, thirds) -> None:
    mlp, settings = get_decoder({"name": "mlp"}), config(select={"hidden": [2, 3]})
    events = list(permutation_test(mlp, noisy, thirds, settings.resolved(mlp), permutations=2, observed=0.5))
    assert np.isfinite(events[-1].scores).all()
    plain = baselines(noisy, thirds, config())
    assert baselines(noisy, thirds, settings) == plain


def test_one_run_leaves_nothing_to_choose_by(noisy: Samples, thirds) -> None:
    table = noisy.table.assign(run="1", subject="", session="")
    results, notes, _ = folds_of(replace(noisy, table=table), thirds[:1], config(select={"C": [0.01, 1.0]}))
    assert results[0].model.decoder.C == 0.01
    assert any("no run of the training set could be held out" in note for note in notes)


@pytest.mark.parametrize(
    ("select", "message"),
    [
        ({"hiden": [3]}, r"must be options of mlp \(preset, hidden, dropout.*got 'hiden'"),
        ({"seed": [1, 2]}, "got 'seed'"),
        ({"hidden": [0, 3]}, r"hidden = 0: .*greater than"),
        ({"hidden": []}, "select"),
        ({"epochs": ["many"]}, "epochs = many"),
    ],
)
def test_options_that_cannot_be_selected_are_refused_before_anything_runs(select, message) -> None:
    content = {
        "data": {"images": "bold.nii.gz"},
        "labels": {"source": "table", "table": "t.tsv"},
        "decoder": {"name": "mlp"},
    }
    with pytest.raises(InputError, match=message):
        make_recipe(content | {"training": {"select": select}})


def test_a_recipe_keeps_its_candidates_as_they_were_written() -> None:
    select = {"hidden": [30, 100], "weight_decay": [0.0, 0.01]}
    recipe = make_recipe(
        {
            "data": {"images": "bold.nii.gz"},
            "labels": {"source": "table", "table": "t.tsv"},
            "decoder": {"name": "mlp"},
            "training": {"select": select},
        }
    )
    assert parse_recipe(recipe.to_toml()) == recipe
    texts = [text for _, _, text in candidates(recipe.decoder, recipe.training)]
    assert texts[-1] == "hidden = 100, weight_decay = 0.01"
    assert [type(v) for v in recipe.training.select["hidden"]] == [int, int]


def test_a_candidate_that_diverges_is_behind_all_others_and_ends_nothing(toy: Samples, thirds) -> None:
    mlp, rates = get_decoder({"name": "mlp", "hidden": 4}), [1e30, 0.1]
    settings = config(optimizer="sgd", select={"learning_rate": rates}, epochs=4)
    events = list(cross_validate(mlp, toy, thirds, settings.resolved(mlp)))
    notes = [event.message for event in events if isinstance(event, Note)]
    assert sum(isinstance(event, FoldDone) for event in events) == 2
    (lost,) = (note for note in notes if note.startswith("learning_rate = 1e+30"))
    assert "its loss does not stay finite" in lost
    chosen = [note for note in notes if "selected from 2" in note]
    assert chosen
    assert all(
        note.startswith("learning_rate = 0.1: selected from 2 candidates by 4 folds") for note in chosen
    )
    alone = list(
        cross_validate(mlp, toy, thirds, config(optimizer="sgd", learning_rate=0.1, epochs=4).resolved(mlp))
    )
    for one, other in zip(
        *([e.result for e in s if isinstance(e, FoldDone)] for s in (events, alone)), strict=True
    ):
        np.testing.assert_array_equal(one.probabilities, other.probabilities)
    hopeless = config(optimizer="sgd", select={"learning_rate": [1e30, 1e31]}, epochs=4)
    with pytest.raises(DivergedError, match=r"none of the 2 candidates.* lower learning_rate = 1e\+31"):
        list(cross_validate(mlp, toy, thirds, hopeless.resolved(mlp)))
