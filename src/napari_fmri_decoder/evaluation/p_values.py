"""P values of permutation tests in words: the same in the report, the command and the window."""

from __future__ import annotations


def is_smallest(p: float, n: int) -> bool:
    """Whether no permutation was as good as the true labels, so that p is 1 / (n + 1)."""
    return p * (n + 1) < 1.5


def p_text(p: float, n: int) -> str:
    """Write the p value of a permutation test; at its floor, more permutations could make it smaller.

    Parameters
    ----------
    p : float
        (b + 1) / (n + 1), where b of n permutations are at least as good as the true labels.
    n : int
        Number of permutations.

    Examples
    --------
    >>> p_text(0.5, 3)
    'p = 0.5 from 3 permutations'
    >>> p_text(0.01, 99)
    'p = 0.01, the smallest that 99 permutations can give'
    """
    return f"p = {p:.3g}, {_floor(n)}" if is_smallest(p, n) else f"p = {p:.3g} from {_counted(n)}"


def p_label(p: float, n: int) -> str:
    """Label of a p value that is shown as a number.

    Examples
    --------
    >>> p_label(0.01, 99)
    'p, the smallest that 99 permutations can give'
    """
    return f"p, {_floor(n)}" if is_smallest(p, n) else "p, permutation test"


def _floor(n: int) -> str:
    return f"the smallest that {_counted(n)} can give"


def _counted(n: int) -> str:
    return f"{n} permutation{'' if n == 1 else 's'}"
