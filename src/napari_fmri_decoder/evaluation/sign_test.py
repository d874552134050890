"""Comparison of two decoders on the same samples: an exact sign test over blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.training.events import FoldResult

LEVEL = 0.05
"""Two decoders differ if p is at most this."""


@dataclass(frozen=True, slots=True)
class PairedTest:
    """A decoder compared with a baseline, over blocks.

    Attributes
    ----------
    decoder, baseline : str
    n_blocks : int
        Blocks with a held-out sample.
    better, worse : int
        Blocks in which the decoder has more, or fewer, correct predictions than the baseline.
    p : float
        Of the sign test, two-sided: the probability of a difference at least as large between `better`
        and `worse` if either is equally probable in each block.
    """

    decoder: str
    baseline: str
    n_blocks: int
    better: int
    worse: int
    p: float

    @property
    def sentence(self) -> str:
        """Whether the decoder is ahead of the baseline, and by which test.

        Examples
        --------
        >>> PairedTest("mlp", "lda", 96, 10, 30, 0.0022).sentence
        'mlp is behind lda: better in 10 and worse in 30 of 96 blocks (sign test, p = 0.0022).'
        """
        relation = "not ahead of"
        if self.p <= LEVEL:
            relation = "ahead of" if self.better > self.worse else "behind"
        return (
            f"{self.decoder} is {relation} {self.baseline}: better in {self.better} and worse in "
            f"{self.worse} of {self.n_blocks} blocks (sign test, p = {self.p:.2g})."
        )


def sign_test(better: int, worse: int) -> float:
    """Two-sided p of the exact sign test; ties are left out.

    Examples
    --------
    >>> sign_test(0, 5), sign_test(0, 0)
    (0.0625, 1.0)
    """
    from scipy.stats import binomtest

    return float(binomtest(better, better + worse).pvalue) if better + worse else 1.0


def compare_with_baseline(
    decoder: str,
    folds: Sequence[FoldResult],
    baseline: str,
    of_baseline: Sequence[FoldResult],
    samples: Samples,
) -> PairedTest:
    """Compare a decoder with a baseline that was tested on the same folds.

    Parameters
    ----------
    decoder, baseline : str
        Their names.
    folds, of_baseline : sequence of FoldResult
    samples : Samples
        Samples of one block are not independent, so that a block counts once.

    Returns
    -------
    PairedTest
    """
    blocks = samples.table["block"].astype(str) + "|" + samples.groups
    numbers = np.unique(blocks.to_numpy(dtype=str), return_inverse=True)[1]
    ours, n = _correct(folds, samples, numbers)
    theirs, _ = _correct(of_baseline, samples, numbers)
    better, worse = int((ours > theirs).sum()), int((ours < theirs).sum())
    return PairedTest(decoder, baseline, int((n > 0).sum()), better, worse, sign_test(better, worse))


def _correct(
    folds: Sequence[FoldResult], samples: Samples, blocks: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number of correct predictions, and of predictions, in each block."""
    rows = np.concatenate([fold.split.test for fold in folds])
    predicted = np.concatenate([fold.probabilities.argmax(axis=1) for fold in folds])
    size = int(blocks.max()) + 1
    right = np.zeros(size, dtype=np.int64)
    np.add.at(right, blocks[rows], predicted == samples.y[rows])
    return right, np.bincount(blocks[rows], minlength=size).astype(np.int64)
