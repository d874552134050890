"""linear and dummy: the baselines that every network is compared with."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_fmri_decoder.decoders.base import EstimatorDecoder, Solution
from napari_fmri_decoder.decoders.logistic import ROUGH, Coordinates, Logistic, coordinates
from napari_fmri_decoder.decoders.one_layer import both_logits, layer_state, log_loss
from napari_fmri_decoder.samples.layout import Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.svm import LinearSVC

    from napari_fmri_decoder.generators import Steps


CANDIDATES = {"logistic": (1e-3, 1e-2, 1e-1, 1.0), "svm": (1e-5, 1e-4, 1e-3, 1e-2)}
"""Values of C for the nested selection; larger values make the SVM slow, and not better."""


class Linear(EstimatorDecoder):
    """Multinomial logistic regression, or a linear support vector machine of scikit-learn.

    Its weights are stored as one torch layer `out`. The probabilities of the logistic loss are those of
    scikit-learn's `LogisticRegression`; those of the SVM are the softmax of its decision values (for two
    classes: of plus and minus half of the value), which ranks the classes but is not calibrated.
    """

    layout: ClassVar[Layout] = "vector"
    summary: ClassVar[str] = "Logistic regression or linear SVM on the voxels of the mask"

    name: Literal["linear"] = "linear"
    loss: Literal["logistic", "svm"] = Field(
        "logistic",
        description="logistic: multinomial logistic regression; svm: linear SVM, one class against the rest.",
    )
    C: Annotated[float, Field(gt=0, le=1e9)] | Literal["nested"] = Field(
        0.1,
        description="Inverse strength of the L2 penalty; smaller is stronger. 'nested' selects it by holding "
        "out runs within the training set.",
    )
    candidates: tuple[Annotated[float, Field(gt=0, le=1e9)], ...] = Field(
        (),
        max_length=100,
        description="Values of C that 'nested' compares; empty for 0.001 to 1 with the logistic loss, 1e-5 "
        "to 0.01 with the SVM.",
    )

    def steps(self, groups: NDArray[np.str_]) -> int:
        """Number of models: one, and those that select C."""
        from napari_fmri_decoder.samples.splits import inner_folds

        return 1 + (len(self._values) * len(inner_folds(groups)) if self.C == "nested" else 0)

    def nested_options(self) -> dict[str, tuple[float, ...]]:
        """Candidates for C, if it is nested; see `EstimatorDecoder.nested_options`."""
        return {"C": self._values} if self.C == "nested" else {}

    def solve(
        self,
        X: NDArray[np.float64],
        y: NDArray[np.int64],
        n_classes: int,
        groups: NDArray[np.str_],
        seed: int,
        *,
        balanced: bool = False,
    ) -> Steps[float, Solution]:
        """Select C if it is nested, then fit on all of X; see `EstimatorDecoder.solve`."""
        notes: list[str] = []
        along = coordinates(X) if self.loss == "logistic" or self.C == "nested" else None
        if self.C == "nested" and along is not None:
            C, note = yield from self._select(along, y, groups, seed, balanced)
            notes.append(note)
        else:
            C = float(self.C)
        model = self._estimator(C, seed, balanced)
        if isinstance(model, Logistic) and along is not None:
            model.fit_along(along.values, along.squares, y)
            model.coef_ = along.voxels(model.coef_)
        else:
            _fit(model, X, y)
        if np.max(model.n_iter_) >= model.max_iter:
            notes.append(
                f"The linear decoder did not converge within {model.max_iter} iterations. Use a smaller C "
                f"than {C:g}."
            )
        logits = both_logits(np.atleast_2d(model.decision_function(X).T).T)
        yield log_loss(logits, y, model.classes_)
        return Solution(layer_state(model.coef_, model.intercept_, model.classes_, n_classes), tuple(notes))

    @property
    def _values(self) -> tuple[float, ...]:
        """Candidates for C, in increasing order, so that the smallest of equals is selected."""
        return tuple(sorted(set(self.candidates))) or CANDIDATES[self.loss]

    def _estimator(self, C: float, seed: int, balanced: bool) -> Logistic | LinearSVC:
        if self.loss == "logistic":
            return Logistic(C=C, balanced=balanced)
        from sklearn.svm import LinearSVC

        weight = "balanced" if balanced else None
        return LinearSVC(C=C, max_iter=10_000, random_state=seed, class_weight=weight)

    def _select(
        self,
        along: Coordinates,
        y: NDArray[np.int64],
        groups: NDArray[np.str_],
        seed: int,
        balanced: bool,
    ) -> Steps[float, tuple[float, str]]:
        """Find the C that predicts held-out runs of the training set best; the smaller of two equals.

        All folds are rows of the same coordinates, scaled as the training set. Each fit starts from that of
        the same fold with the next smaller C, so that few steps are left. A fit to all samples would be
        closer, but what is left of it predicts the held-out samples too well, most with the largest C.
        """
        from napari_fmri_decoder.samples.splits import inner_folds

        folds, candidates = inner_folds(groups), self._values
        if not folds:
            C = candidates[len(candidates) // 2] if self.candidates else 0.1
            return C, f"C = {C:g}: the training set is a single run, so none could be held out to select it."
        right = np.zeros(len(candidates))
        paths: list[Logistic | None] = [None] * len(folds)
        for i, C in enumerate(candidates):
            for fold, (train, test) in enumerate(folds):
                hits = 0
                if len(np.unique(y[train])) > 1:
                    model = self._estimator(C, seed, balanced)
                    if isinstance(model, Logistic):
                        model.tol = ROUGH
                        squares = along.squares * (len(train) / len(y))
                        paths[fold] = model.fit_along(along.values[train], squares, y[train], paths[fold])
                    else:
                        _fit(model, along.values[train], y[train])
                    hits = int((model.predict(along.values[test]) == y[test]).sum())
                right[i] += hits
                yield 1 - hits / len(test)
        C, n = candidates[int(np.argmax(right))], len(candidates)
        return C, f"C = {C:g}, selected from {n} values by {len(folds)} folds of runs in the training set."


class Dummy(EstimatorDecoder):
    """Ignores the voxels: always the frequencies of the classes in the training set."""

    layout: ClassVar[Layout] = "vector"
    summary: ClassVar[str] = "No decoder: always the most frequent class of the training set"

    name: Literal["dummy"] = "dummy"

    @property
    def no_curves(self) -> str:
        """Why there are no learning curves; see `Decoder.no_curves`."""
        return "dummy only counts the classes: there are no epochs to draw."

    def solve(
        self,
        X: NDArray[np.float64],
        y: NDArray[np.int64],
        n_classes: int,
        groups: NDArray[np.str_],
        seed: int,
        *,
        balanced: bool = False,
    ) -> Steps[float, Solution]:
        """Count the classes, whether balanced or not; see `EstimatorDecoder.solve`."""
        classes, counts = np.unique(y, return_counts=True)
        prior = counts / counts.sum()
        yield float(-(prior * np.log(prior)).sum())
        return Solution(layer_state(np.zeros((len(classes), X.shape[1])), np.log(prior), classes, n_classes))


def _fit(model: LinearSVC, X: NDArray[np.float64], y: NDArray[np.int64]) -> None:
    """Fit without a warning where it does not converge; its `n_iter_` shows that."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
