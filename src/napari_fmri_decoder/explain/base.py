"""What an explanation is: a method with its options, and the maps that it gives.

A new method is one new file in this folder with one subclass of `Explainer`; it registers itself
under the default of its field `name`.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from napari_fmri_decoder.samples.options import Registered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.samples import Space
    from napari_fmri_decoder.training.events import FittedModel
    from napari_fmri_decoder.volumes.frames import Grid

explainers: dict[str, type[Explainer]] = {}
"""Every method by its name."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Maps, and where they lie.

    Attributes
    ----------
    values : (n, map, x, y, z) float32 array
        n samples; the maps are a layer's filters, or the classes.
    names : tuple of str
        One per map.
    grid : Grid
        In scanner space.
    """

    values: NDArray[np.float32]
    names: tuple[str, ...]
    grid: Grid


class Explainer(Registered):
    """Options of one method; each field is an option with its description."""

    registry: ClassVar[dict[str, Any]] = explainers
    summary: ClassVar[str]
    """One line for menus and `fmri-decoder explain`."""
    name: str

    @abstractmethod
    def explain(self, model: FittedModel, X: NDArray[np.float32], space: Space) -> Explanation:
        """Explain a model's answers to samples.

        Parameters
        ----------
        model : FittedModel
        X : (n, features) float32 array
            Prepared samples, not yet scaled.
        space : Space
            Where the features lie.
        """
