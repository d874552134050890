"""Scores at many centers: their table, their maps, and the sentence that sums them up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_fmri_decoder.evaluation.familywise import LEVEL, familywise_p, familywise_threshold
from napari_fmri_decoder.volumes.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_fmri_decoder.evaluation.scores import Headline
    from napari_fmri_decoder.samples.centers.center_sets import CenterSets
    from napari_fmri_decoder.samples.samples import Space


@dataclass(frozen=True, slots=True, eq=False)
class CenterResult:
    """Scores of all centers.

    Attributes
    ----------
    sets : CenterSets
    space : Space
        Of their features.
    scores : (n,) float64 array
        NaN for skipped centers.
    skipped : tuple of str
        Why each center was skipped; "" if it was not.
    maxima : (permutations,) float64 array
        Largest score of all centers under each permutation; empty without a permutation test.
    null_mean, null_high : (n,) float64 array
        Mean and 95th percentile of each center's scores under permuted labels; NaN without permutations.
    measure : {"accuracy", "balanced_accuracy"}
    chance : float
    kind : str
        "spheres", "regions", "slabs" or "boxes".
    decoder : str
    """

    sets: CenterSets
    space: Space
    scores: NDArray[np.float64]
    skipped: tuple[str, ...]
    maxima: NDArray[np.float64]
    null_mean: NDArray[np.float64]
    null_high: NDArray[np.float64]
    measure: Headline
    chance: float
    kind: str
    decoder: str

    @property
    def p(self) -> NDArray[np.float64] | None:
        """(n,) family-wise p values; None without a permutation test."""
        return familywise_p(self.scores, self.maxima) if len(self.maxima) else None

    @property
    def threshold(self) -> float:
        """Smallest score that no null score of 5% of the permutations exceeds; infinite if none can be."""
        return familywise_threshold(self.maxima)

    @property
    def n_significant(self) -> int:
        """Number of centers with a family-wise p of at most 0.05."""
        return 0 if self.p is None else int((self.p <= LEVEL).sum())

    def table(self) -> pd.DataFrame:
        """One row per center: position, name, voxels, score, p, and why it was skipped.

        Regions are sorted by their scores; other centers have the order of their positions.
        """
        columns: dict[str, Any] = {"center": np.arange(len(self.sets))}
        if self.sets.names:
            columns["name"] = list(self.sets.names)
        columns |= dict(zip(("x_mm", "y_mm", "z_mm"), self.sets.mm.T.round(3), strict=True))
        columns |= {"voxels": self.sets.sizes, self.measure: self.scores}
        if self.p is not None:
            columns |= {"p": self.p, "null_mean": self.null_mean, "null_95": self.null_high}
        table = pd.DataFrame(columns | {"skipped": list(self.skipped)})
        if self.kind == "regions":
            table = table.sort_values(self.measure, ascending=False, kind="stable", na_position="last")
        return table

    def score_map(self) -> Volume:
        """(x, y, z) map of the scores, NaN where there is none."""
        return self._map(self.scores, f"{self.decoder} {self.measure.replace('_', ' ')}")

    def p_map(self) -> Volume | None:
        """(x, y, z) map of the family-wise p values; None without a permutation test."""
        return None if self.p is None else self._map(-self.p, f"{self.decoder} p", negative=True)

    def _map(self, values: NDArray[np.float64], name: str, *, negative: bool = False) -> Volume:
        painted = self.sets.paint(values, self.space)  # the largest where centers overlap
        return Volume(-painted if negative else painted, self.space.grid.affine, "stat", name=name)

    def to_dict(self) -> dict[str, Any]:
        """Content of `summary.json`."""
        best = int(np.nanargmax(self.scores))
        p = self.p
        return {
            "centers": self.kind,
            "decoder": self.decoder,
            "n_centers": len(self.sets),
            "n_skipped": sum(map(bool, self.skipped)),
            "measure": self.measure,
            "chance": self.chance,
            "best": {
                "center": best,
                "name": self.sets.names[best] if self.sets.names else "",
                "mm": self.sets.mm[best].round(3).tolist(),
                "score": float(self.scores[best]),
                "p": None if p is None else float(p[best]),
            },
            "permutations": len(self.maxima),
            "threshold": float(self.threshold) if np.isfinite(self.threshold) else None,
            "n_significant": None if p is None else self.n_significant,
            "null_maximum_mean": float(self.maxima.mean()) if len(self.maxima) else None,
        }

    def sentences(self) -> list[str]:
        """What was found, for the command, the report and the window."""
        told = self.to_dict()
        best, word = told["best"], self.measure.replace("_", " ")
        place = best["name"] or "x = {:.1f}, y = {:.1f}, z = {:.1f} mm".format(*best["mm"])
        n = told["n_centers"] - told["n_skipped"]
        lines = [
            f"Best of {n} {self.kind} with {self.decoder}: {word} {best['score']:.3f} at {place} "
            f"(chance {self.chance:.3g})."
        ]
        if not len(self.maxima):
            lines.append(
                "Not tested: the best of many places scores above chance by luck alone. Set permutations for "
                "p values that are corrected for the number of places."
            )
        else:
            limit = f"; {word} must reach {self.threshold:.3f}" if np.isfinite(self.threshold) else ""
            lines.append(
                f"{self.n_significant} of {n} are significant at family-wise p = {LEVEL}{limit} "
                f"({len(self.maxima)} permutations; the best of all places has a mean of "
                f"{told['null_maximum_mean']:.3f} under permuted labels)."
            )
        if told["n_skipped"]:
            lines.append(
                f"{told['n_skipped']} of {told['n_centers']} were skipped: too few voxels that vary."
            )
        return lines
