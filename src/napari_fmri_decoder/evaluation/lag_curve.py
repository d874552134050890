"""The accuracy by the lag of the labels, and the lags that the folds chose in their training sets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

DECODER = "lda"
"""The decoder whose accuracy is measured at each lag: it is fitted in one step."""


@dataclass(frozen=True, slots=True)
class LagCurve:
    """Accuracy by the lag of the labels.

    Attributes
    ----------
    lags : tuple of float
        In seconds.
    scores : tuple of float
        Headline score of `DECODER` on the held-out samples of all folds at each lag. The curve describes;
        no lag is chosen by it.
    chosen : dict of str to float
        The lag that each fold chose inside its training set, by the name of the fold; empty if the lag was
        given.
    """

    lags: tuple[float, ...]
    scores: tuple[float, ...]
    chosen: dict[str, float] = field(default_factory=dict)

    @property
    def peak(self) -> float:
        """The lag of the highest score, in seconds; the shortest of equals."""
        return self.lags[max(range(len(self.lags)), key=self.scores.__getitem__)]

    @property
    def most_chosen(self) -> float:
        """The lag that most folds chose, in seconds; the shortest of equals."""
        counts = Counter(self.chosen.values())
        return min(counts, key=lambda lag: (-counts[lag], lag))

    @property
    def sentence(self) -> str:
        """How the lag was chosen.

        Examples
        --------
        >>> LagCurve((0, 2.5, 5), (0.5, 0.7, 0.8), {"run 1": 5, "run 2": 5, "run 3": 2.5}).sentence
        'Each training set chose the lag of the labels: 2.5 s in 1, 5 s in 2 of 3 folds.'
        """
        if not self.chosen:
            return f"With other lags of the labels, {DECODER} is best at {self.peak:g} s."
        counts = sorted(Counter(self.chosen.values()).items())
        each = ", ".join(f"{lag:g} s in {n}" for lag, n in counts)
        return f"Each training set chose the lag of the labels: {each} of {len(self.chosen)} folds."
