"""Explanations of a trained network: a method with its options, and the maps that it computes.

A new method is one new file in this folder, or in a package of your own, with one subclass of `Explainer`; it
registers itself under the default of its field `name`.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.registry import Registered, Registry

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.events import FittedModel
    from napari_fmri_decoder.volumes.frames import Grid

explainers: Registry[Explainer] = Registry("explanation method", "napari_fmri_decoder.explainers")
"""Every method by its name."""

BATCH = 64
"""Samples that are explained at once: limits the memory, changes no result."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Maps and their position in space.

    Attributes
    ----------
    values : (n, map, x, y, z) float32 array
        For n samples; the maps are a layer's filters, or the classes.
    names : tuple of str
        One per map.
    grid : Grid
        In scanner space.
    unit : str
        Of the values; empty if they have none.
    of_classes : bool
        Whether there is one map per class, in the order of the model's classes.
    """

    values: NDArray[np.float32]
    names: tuple[str, ...]
    grid: Grid
    unit: str = ""
    of_classes: bool = False

    def named(self, classes: tuple[str, ...]) -> Explanation:
        """Name the maps of classes; a fitted model knows only their number."""
        return replace(self, names=classes) if self.of_classes else self


def class_numbers(n_classes: int) -> tuple[str, ...]:
    """Names of classes for a model that knows only their number; see `Explanation.named`.

    Examples
    --------
    >>> class_numbers(2)
    ('class 0', 'class 1')
    """
    return tuple(f"class {k}" for k in range(n_classes))


class Explainer(Registered):
    """Options of one method; each field is an option with its description."""

    registry: ClassVar[Registry[Any]] = explainers
    per_sample: ClassVar[bool] = True
    """Whether each sample has its own maps; if not, `explain` gives one sample for all of `X` together."""
    rows: ClassVar[Literal["test", "train", "none"]] = "test"
    """Samples of a fold that are explained by its model: its test set, its training set, or none, for a
    method that reads the model alone."""
    over_folds: ClassVar[bool] = False
    """Whether the maps of two models show the same, so that those of all folds can be averaged. Hidden units
    of two models do not correspond to each other."""
    name: str

    @abstractmethod
    def explain(self, model: FittedModel, X: NDArray[np.float32], space: Space) -> Explanation:
        """Explain a model's responses to samples.

        Parameters
        ----------
        model : FittedModel
        X : (n, features) float32 array
            Prepared samples, not yet scaled.
        space : Space
            Position of the features.
        """

    @classmethod
    def unavailable(cls, model: FittedModel) -> str:
        """Why the method cannot explain a model, in one sentence; empty if it can."""
        return ""

    @classmethod
    def choices(cls, model: FittedModel) -> dict[str, tuple[str, ...]]:
        """Values that an option can take for a model, by the option's name; others are free."""
        return {}

    @property
    def title(self) -> str:
        """What the maps show, for the name of their image."""
        return self.name


def explain_samples(
    method: Explainer, model: FittedModel, X: NDArray[np.float32], space: Space
) -> Explanation:
    """Explain a model's responses to samples, and check the maps.

    Parameters
    ----------
    method : Explainer
        See `get_explainer`.
    model, X, space
        See `Explainer.explain`.

    Raises
    ------
    InputError
        If the method cannot explain this model, or its maps do not fit their names and grid.
    """
    if reason := method.unavailable(model):
        raise InputError(reason)
    found = method.explain(model, X, space)
    shape = (len(X) if method.per_sample else 1, len(found.names), *found.grid.shape)
    if found.values.shape != shape:
        raise InputError(
            f"The explanation method {method.name!r} must give one map per sample and name, shape {shape}, "
            f"got {found.values.shape}. Report this to the authors of the method."
        )
    return found


def mean_explanation(
    method: Explainer, model: FittedModel, X: NDArray[np.float32], space: Space
) -> Explanation:
    """Average the maps of at least one sample; see `explain_samples`.

    A method that explains all samples together is computed once.

    Returns
    -------
    Explanation
        Of one sample: `values` is (1, map, x, y, z).
    """
    if not method.per_sample:
        return explain_samples(method, model, X, space)
    total = np.zeros(0)
    for part in np.array_split(X, -(-len(X) // BATCH)):
        explanation = explain_samples(method, model, part, space)
        summed = explanation.values.sum(axis=0, dtype=np.float64)
        total = summed if not total.size else total + summed
    return replace(explanation, values=(total / len(X)).astype(np.float32)[None])
