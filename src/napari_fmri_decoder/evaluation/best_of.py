"""What choosing the best of several decoders costs: the maximum statistic over their permutations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.evaluation.p_values import p_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class BestOf:
    """The decoder of a run with the highest score, and the p value that counts the choice.

    Attributes
    ----------
    decoder : str
        Its name; the first of equals.
    decoders : int
        Number of decoders: that of the run and those in ``[[compare]]``.
    score : float
        Headline score.
    n : int
        Number of permutations.
    p : float
        How often the best of all decoders is at least as good under permuted labels.
    """

    decoder: str
    decoders: int
    score: float
    n: int
    p: float

    @property
    def sentence(self) -> str:
        """The result in words.

        Examples
        --------
        >>> BestOf("cnn2d", 3, 0.75, 99, 0.04).sentence
        'The best of 3 decoders is cnn2d (0.750); counting this choice, p = 0.04 from 99 permutations.'
        """
        return (
            f"The best of {self.decoders} decoders is {self.decoder} ({self.score:.3f}); counting this "
            f"choice, {p_text(self.p, self.n)}."
        )


def best_of(
    names: Sequence[str], observed: Sequence[float], permuted: Sequence[NDArray[np.float64]]
) -> BestOf:
    """Compare the best score with the best scores under the same permutations of the labels.

    Parameters
    ----------
    names : sequence of str
        Of the decoders.
    observed : sequence of float
        Their scores.
    permuted : sequence of (n,) float64 array
        Their scores under permutations 1 to n, which are the same for all decoders.

    Returns
    -------
    BestOf
        With p = (b + 1) / (n + 1), where the best decoder of b permutations is at least as good (Westfall
        and Young 1993; Nichols and Holmes 2002, doi:10.1002/hbm.1058).
    """
    from napari_fmri_decoder.evaluation.permutations import summarize  # it loads the training of decoders

    best = int(np.argmax(observed))
    test = summarize(np.max(permuted, axis=0), observed[best])
    return BestOf(names[best], len(names), observed[best], test.n, test.p)
