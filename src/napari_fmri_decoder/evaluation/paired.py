"""Two runs on the same samples: how often they disagree, and the exact McNemar test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_fmri_decoder.evaluation.sign_test import sign_test

if TYPE_CHECKING:
    import pandas as pd

KEYS = ["volume", "subject", "session", "run", "true"]
"""Columns of predictions.tsv that identify a sample and its label."""
DEPENDENT = (
    "The test takes samples as independent. Neighboring volumes of a time series are not, so that p is then "
    "too small."
)


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """Counts of samples that two runs held out, by whose prediction is correct.

    Attributes
    ----------
    both, only_first, only_second, neither : int
    disagree : int
        Samples with two different predictions; both may be wrong.
    p : float
        Of the exact McNemar test (McNemar 1947, doi:10.1007/BF02295996): two-sided, binomial, on the samples
        for which only one run is correct; 1 if there are none.
    """

    both: int
    only_first: int
    only_second: int
    neither: int
    disagree: int
    p: float

    @property
    def n(self) -> int:
        """Number of samples."""
        return self.both + self.only_first + self.only_second + self.neither


def paired_counts(first: pd.DataFrame, second: pd.DataFrame) -> PairedCounts | None:
    """Compare the predictions of two runs, sample by sample.

    Parameters
    ----------
    first, second : DataFrame
        As returned by `predictions_table`.

    Returns
    -------
    PairedCounts or None
        None unless both runs held out the same samples with the same labels, each once.

    Examples
    --------
    >>> import pandas as pd
    >>> one = pd.DataFrame({"volume": [0, 1], "subject": "", "session": "", "run": "1", "true": "a"})
    >>> paired_counts(one.assign(predicted=["a", "b"]), one.assign(predicted=["a", "a"]))
    PairedCounts(both=1, only_first=0, only_second=1, neither=0, disagree=1, p=1.0)
    """
    if len(first) != len(second) or first.duplicated(KEYS).any():
        return None
    merged = first[[*KEYS, "predicted"]].merge(second[[*KEYS, "predicted"]], on=KEYS, validate="1:m")
    if len(merged) != len(first) or merged.duplicated(KEYS).any():
        return None
    right = [merged[f"predicted_{side}"] == merged["true"] for side in "xy"]
    only = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    return PairedCounts(
        both=int((right[0] & right[1]).sum()),
        only_first=only[0],
        only_second=only[1],
        neither=int((~right[0] & ~right[1]).sum()),
        disagree=int((merged["predicted_x"] != merged["predicted_y"]).sum()),
        p=sign_test(*only),
    )
