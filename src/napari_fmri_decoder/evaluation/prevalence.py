"""Prevalence inference: how many members of the population have an effect, at least.

The statistic is the minimum over subjects of the score (Allefeld, Görgen and Haynes 2016). Its null
distribution comes from second-level permutations: one first-level permutation of each subject, in every
combination. Since the minimum reaches a value if all subjects do, the share of all combinations that reach it
is the product of the subjects' shares, and no combination has to be drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEVEL = 0.05
"""Level of the tests; the lower bound holds with a confidence of 1 - `LEVEL`."""


@dataclass(frozen=True, slots=True)
class Prevalence:
    """What the scores of several subjects say about the population.

    Attributes
    ----------
    n_subjects : int
    permutations : int
        First-level permutations of the subject with the fewest.
    minimum : float
        Smallest score of a subject: the statistic.
    p_global : float
        p of the global null hypothesis: no member of the population has an effect.
    p_majority : float
        p of the majority null hypothesis: at most half of the population has an effect.
    lower_bound : float
        At least this fraction of the population has an effect, with a confidence of 1 - `level`; 0 if not
        even the global null hypothesis is rejected.
    largest : float
        The lower bound if every subject exceeded all of its permutations: what this number of subjects and
        permutations can show at most.
    level : float
    """

    n_subjects: int
    permutations: int
    minimum: float
    p_global: float
    p_majority: float
    lower_bound: float
    largest: float
    level: float = LEVEL


def prevalence(
    observed: NDArray[np.float64], permuted: Sequence[NDArray[np.float64]], level: float = LEVEL
) -> Prevalence:
    """Infer the prevalence of an effect from scores and their permutation distributions.

    Parameters
    ----------
    observed : (subjects,) float64 array
        The score of each subject.
    permuted : sequence of (permutations,) float64 array
        The scores of each subject under permuted labels, without `observed`. Their numbers may differ.
    level : float
        Of the tests, between 0 and 1.

    Returns
    -------
    Prevalence

    Raises
    ------
    InputError
        If there are fewer than two subjects, or a subject has no permutations.

    References
    ----------
    Allefeld, C., Görgen, K. and Haynes, J.-D. (2016), "Valid population inference for information-based
    imaging: From the second-level t-test to prevalence inference", doi:10.1016/j.neuroimage.2016.07.040.

    Examples
    --------
    >>> scores = np.linspace(0.4, 0.6, 99)
    >>> found = prevalence(np.full(12, 0.9), [scores] * 12)
    >>> round(found.lower_bound, 3) == round(found.largest, 3) == 0.777
    True
    """
    n = len(observed)
    if n < 2 or len(permuted) != n or min(map(len, permuted)) == 0:
        raise InputError(
            f"Prevalence inference needs permutations of at least 2 subjects, got {n} scores and "
            f"permutations of {sum(map(bool, map(len, permuted)))}. Add subjects, or run them with "
            "permutations."
        )
    minimum = float(observed.min())
    # the labels as they were are one of the permutations
    shares = [(1 + int((scores >= minimum - 1e-9).sum())) / (1 + len(scores)) for scores in permuted]
    root = float(np.exp(np.log(shares).mean()))
    best = float(np.exp(-np.mean([np.log1p(len(scores)) for scores in permuted])))
    return Prevalence(
        n_subjects=n,
        permutations=min(map(len, permuted)),
        minimum=minimum,
        p_global=root**n,
        p_majority=(0.5 + 0.5 * root) ** n,
        lower_bound=_bound(root, n, level),
        largest=_bound(best, n, level),
        level=level,
    )


def prevalence_sentence(found: Prevalence) -> str:
    """Write the result in sentences.

    Examples
    --------
    >>> prevalence_sentence(Prevalence(3, 99, 0.4, 0.2, 0.6, 0.0, 0.36)).split(":")[0]
    'Prevalence (minimum statistic of 3 subjects, at least 99 permutations each)'
    """
    begin = (
        f"Prevalence (minimum statistic of {found.n_subjects} subjects, at least {found.permutations} "
        "permutations each): "
    )
    confidence = f"{100 * (1 - found.level):g}% confidence"
    if found.lower_bound <= 0:
        return (
            f"{begin}no effect is shown in any part of the population (p = {found.p_global:.3g} if no "
            f"member has one, {confidence})."
        )
    return (
        f"{begin}with {confidence}, at least {100 * found.lower_bound:.0f}% of the population have an "
        f"effect; p = {found.p_global:.3g} if no member has one, p = {found.p_majority:.3g} if at most half "
        f"have. These numbers of subjects and permutations can show at most {100 * found.largest:.0f}%."
    )


def _bound(root: float, n: int, level: float) -> float:
    """Largest prevalence that is rejected; `root` is the nth root of the p of the global null hypothesis."""
    return 0.0 if root >= 1 else float(max(0.0, (level ** (1 / n) - root) / (1 - root)))
