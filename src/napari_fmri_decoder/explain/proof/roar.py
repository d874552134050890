"""Remove and retrain (ROAR): without the voxels that a map ranks highest, a new network must do worse.

Hooker, S. et al. (2019), "A benchmark for interpretability methods in deep neural networks",
arXiv:1806.10758. The ranks come from the training set of each fold alone, and removed voxels have their
training mean in all samples.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.explain.proof.fitting import fitted_on
from napari_fmri_decoder.explain.proof.maps import Case, class_map, spread_over
from napari_fmri_decoder.explain.proof.result import Check
from napari_fmri_decoder.explain.proof.stability import lower_bound
from napari_fmri_decoder.explain.proof.thresholds import FEWEST_UNITS, REMOVED
from napari_fmri_decoder.training.events import Progress
from napari_fmri_decoder.training.predict import predict_proba

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.generators import Steps
    from napari_fmri_decoder.training.events import FoldResult

ORDERS = ("method", "random", "reversed")


def accuracies(case: Case) -> Steps[Progress, dict[str, NDArray[np.float64]]]:
    """Retrain each fold without the first 1, 5, 10, 25, 50% of the voxels in three orders.

    Returns
    -------
    dict of str to (runs, sizes) array
        Accuracy on held-out samples of each run, by the order "method", "random", "reversed"; and "all":
        with all voxels, (runs, 1).
    """
    correct: dict[str, list[NDArray[np.bool_]]] = {name: [] for name in ("all", *ORDERS)}
    groups = []
    for done, fold in enumerate(case.folds):
        yield Progress("roar", done, len(case.folds))
        groups.append(case.samples.groups[fold.split.test])
        truth = case.samples.y[fold.split.test]
        correct["all"].append((fold.probabilities.argmax(axis=1) == truth)[None])
        for name, order in _orders(case, fold).items():
            rows = []
            for part in REMOVED:
                rows.append(
                    (yield from _without(case, fold, order[: max(1, round(part * len(order)))])) == truth
                )
            correct[name].append(np.stack(rows))
    runs = np.concatenate(groups)
    joined = {name: np.concatenate(parts, axis=1).astype(np.float64) for name, parts in correct.items()}
    names = dict.fromkeys(runs.tolist())
    return {k: np.stack([v[:, runs == run].mean(axis=1) for run in names]) for k, v in joined.items()}


def roar(case: Case) -> Generator[Progress, None, Check]:
    """Test whether removing the voxels of the map costs more accuracy than removing random ones."""
    found = yield from accuracies(case)
    cost = (found["random"] - found["method"]).mean(axis=1)
    curves = "; ".join(
        f"{name} " + ", ".join(f"{100 * a:.0f}" for a in found[name].mean(axis=0)) for name in ORDERS
    )
    sizes = ", ".join(f"{100 * part:g}" for part in REMOVED)
    detail = (
        f"accuracy lost by removing voxels in the order of the map rather than at random, lower bound over "
        f"{len(cost)} runs. % correct with all {100 * found['all'].mean():.0f}, without {sizes}%: {curves}"
    )
    if len(cost) < FEWEST_UNITS:
        return Check(
            "roar", None, None, "> 0", f"needs at least {FEWEST_UNITS} held-out runs, found {len(cost)}"
        )
    bound = lower_bound(lambda rows: float(cost[rows].mean()), len(cost), case.config.seed)
    return Check("roar", bound > 0, bound, "> 0", detail)


def _orders(case: Case, fold: FoldResult) -> dict[str, NDArray[np.intp]]:
    """Voxels by the size of the map on the training set, at random, and reversed."""
    samples, train = case.samples, fold.split.train
    rows = spread_over(train, samples.y[train], case.config.volumes)
    values = class_map(case.method, fold.model, samples.X[rows], samples.y[rows], samples.space)
    order = np.argsort(-np.abs(values).mean(axis=0), kind="stable")
    rng = np.random.default_rng(case.seed(3, fold.fold))
    return {"method": order, "random": rng.permutation(len(order)), "reversed": order[::-1]}


def _without(case: Case, fold: FoldResult, removed: NDArray[np.intp]) -> Steps[Progress, NDArray[np.int64]]:
    """Predict the held-out samples after training without some voxels."""
    X = case.samples.X.copy()
    X[:, removed] = X[np.ix_(fold.split.train, removed)].mean(axis=0)
    samples = replace(case.samples, X=X)
    model = yield from fitted_on(case, samples, fold.split, case.seed(4, fold.fold))
    found = predict_proba(model, X[fold.split.test], samples.space).argmax(axis=1)
    return np.asarray(found, dtype=np.int64)
