"""Base of the negative controls: maps that look plausible but say nothing about the model."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from napari_fmri_decoder.explain.base import Explainer
from napari_fmri_decoder.explain.evidence import class_maps, used_features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.explain.base import Explanation
    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.events import FittedModel


class NegativeControl(Explainer):
    """A map that does not depend on what the model has learned, so that tests of maps must reject it."""

    per_sample: ClassVar[bool] = False
    over_folds: ClassVar[bool] = True

    @abstractmethod
    def features(self, X: NDArray[np.float32], space: Space, n_classes: int) -> NDArray[np.float32]:
        """Compute the maps.

        Parameters
        ----------
        X : (n, features) float32 array
            Prepared samples, not scaled.
        space : Space
            Position of these features.
        n_classes : int

        Returns
        -------
        (classes, features) or (features,) float32 array
            The latter is the map of all classes.
        """

    def explain(self, model: FittedModel, X: NDArray[np.float32], space: Space) -> Explanation:
        """Give one map per class, for all samples together; see `Explainer.explain`."""
        used = space.only(model.screened)
        values = self.features(used_features(model, X), used, model.n_classes)
        values = np.broadcast_to(values, (1, model.n_classes, used.n_features))
        return class_maps(values, model, space, "")


def mean_absolute(X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean absolute value of each feature, (features,): the mean itself is 0 in standardized runs."""
    return np.asarray(np.abs(X).mean(axis=0, dtype=np.float64), dtype=np.float32)
