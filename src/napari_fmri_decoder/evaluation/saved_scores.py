"""The scores of a finished run, read from its folder (scores.json)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.evaluation.best_of import BestOf
from napari_fmri_decoder.evaluation.calibration import Calibration, ReliabilityBin
from napari_fmri_decoder.evaluation.compared import Compared, SeedSpread
from napari_fmri_decoder.evaluation.data_summary import DataSummary
from napari_fmri_decoder.evaluation.lag_curve import LagCurve
from napari_fmri_decoder.evaluation.measures import ClassScore
from napari_fmri_decoder.evaluation.nuisance_test import NuisanceTest
from napari_fmri_decoder.evaluation.scores import FoldScore, Permutation, Scores
from napari_fmri_decoder.evaluation.sign_test import PairedTest
from napari_fmri_decoder.files import parse_json, read_text
from napari_fmri_decoder.samples.audit import Finding
from napari_fmri_decoder.text import printable
from napari_fmri_decoder.training.events import Quality

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

SCORES = "scores.json"


def read_scores(folder: Path) -> Scores:
    """Read the scores of a run folder, also of one that an earlier version wrote.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Scores
        As after the run; numbers that were not finite are NaN.

    Raises
    ------
    InputError
        If the folder has no scores, or they are damaged.
    """
    content = parse_json(read_text(folder / SCORES, "scores of the run"), SCORES)
    try:
        return scores_from(content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{SCORES} must contain the scores of a run, but that in {printable(folder)} does not "
            f"({type(error).__name__}: {str(error)[:200]}). Use another copy of the folder, or train again."
        ) from error


def scores_from(content: Mapping[str, Any]) -> Scores:
    """Build scores from what `Scores.to_dict` returns.

    Raises
    ------
    ValueError, KeyError, TypeError
        If something is missing, or has another type or size.
    """
    headline = content["headline"]
    if headline not in ("accuracy", "balanced_accuracy"):
        raise ValueError(f"headline {headline!r}")
    classes = tuple(str(name) for name in content["classes"])
    untrained, test = content.get("untrained"), content.get("permutation")
    by_run = content.get("baseline_by_run")
    return Scores(
        headline=headline,
        accuracy=_number(content["accuracy"]),
        balanced_accuracy=_number(content["balanced_accuracy"]),
        loss=_number(content["loss"]),
        train_accuracy=_number(content["train_accuracy"]),
        train_loss=_number(content["train_loss"]),
        folds=tuple(_fold(row) for row in content["folds"]),
        untrained_train=_quality(untrained["train"]) if untrained else None,
        untrained_test=_quality(untrained["test"]) if untrained else None,
        classes=classes,
        per_class=tuple(
            ClassScore(str(row["name"]), int(row["n"]), row["precision"], row["recall"])
            for row in content["per_class"]
        ),
        confusion=_counts(content["confusion"], len(classes)),
        train_confusion=_counts(content["train_confusion"], len(classes)),
        n_samples=int(content["n_samples"]),
        baseline={str(name): _number(value) for name, value in content["baseline"].items()},
        run_baselines={
            str(name): {str(run): _number(value) for run, value in found.items()}
            for name, found in (content.get("run_baselines") or {}).items()
        },
        versus_baseline=PairedTest(**versus) if (versus := content.get("versus_baseline")) else None,
        baseline_by_run=None if by_run is None else float(by_run),
        calibration=_calibration(content.get("calibration")),
        baseline_calibration={
            str(name): found
            for name, one in (content.get("baseline_calibration") or {}).items()
            if (found := _calibration(one))
        },
        directions={str(name): _number(value) for name, value in (content.get("directions") or {}).items()},
        lag=_lag(content.get("lag")),
        compared=tuple(_compared(other) for other in content.get("compared") or ()),
        data=_data(content.get("data")),
        permutation=Permutation(int(test["n"]), _number(test["p"]), _number(test["mean"])) if test else None,
        best_of=BestOf(**best) if (best := content.get("best_of")) else None,
        nuisance=NuisanceTest.read(nuisance) if (nuisance := content.get("nuisance")) else None,
        seeds=_seeds(content.get("seeds")),
        audit=tuple(_finding(row) for row in content["audit"]),
        notes=tuple(str(note) for note in content.get("notes") or ()),
        seconds=_number(content.get("seconds")),
    )


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _quality(content: Mapping[str, Any]) -> Quality:
    return Quality(_number(content["loss"]), _number(content["accuracy"]))


def _fold(row: Mapping[str, Any]) -> FoldScore:
    return FoldScore(
        fold=int(row["fold"]),
        name=str(row["name"]),
        n_train=int(row["n_train"]),
        n_test=int(row["n_test"]),
        accuracy=_number(row["accuracy"]),
        balanced_accuracy=_number(row["balanced_accuracy"]),
        loss=_number(row["loss"]),
        train_accuracy=_number(row["train_accuracy"]),
        train_loss=_number(row["train_loss"]),
    )


def _compared(other: Mapping[str, Any]) -> Compared:
    return Compared(
        decoder=dict(other["decoder"]),
        accuracy=_number(other["accuracy"]),
        balanced_accuracy=_number(other["balanced_accuracy"]),
        loss=_number(other["loss"]),
        train_accuracy=_number(other["train_accuracy"]),
        accuracy_per_fold=tuple(_number(value) for value in other["accuracy_per_fold"]),
        seeds=_seeds(other.get("seeds")),
        calibration=_calibration(other.get("calibration")),
    )


def _calibration(content: Mapping[str, Any] | None) -> Calibration | None:
    if not content:
        return None
    bins = tuple(ReliabilityBin(**row) for row in content["bins"])
    return Calibration(_number(content["ece"]), _number(content["log_loss"]), bins)


def _data(content: Mapping[str, Any] | None) -> DataSummary | None:
    return DataSummary(**{**content, "voxel_mm": tuple(content["voxel_mm"])}) if content else None


def _lag(content: Mapping[str, Any] | None) -> LagCurve | None:
    if not content:
        return None
    chosen = {str(name): float(lag) for name, lag in content["chosen"].items()}
    return LagCurve(tuple(map(float, content["lags"])), tuple(map(_number, content["scores"])), chosen)


def _seeds(content: Mapping[str, Any] | None) -> SeedSpread | None:
    if not content:
        return None
    seeds, scores = (int(s) for s in content["seeds"]), (_number(s) for s in content["scores"])
    return SeedSpread(tuple(seeds), tuple(scores), _number(content["mean"]), _number(content["std"]))


def _finding(row: Mapping[str, Any]) -> Finding:
    severity = row["severity"]
    if severity not in ("error", "warning", "note"):
        raise ValueError(f"severity {severity!r}")
    return Finding(str(row["code"]), severity, str(row["message"]), bool(row.get("allowed")))


def _counts(rows: Any, n: int) -> NDArray[np.int64]:
    counts = np.array(rows, dtype=np.int64)
    if counts.shape != (n, n):
        raise ValueError(f"a confusion matrix of {counts.shape} for {n} classes")
    return counts
