"""Checks for labels that can be predicted without brain data, for too few samples and too few voxels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fmri_decoder.samples.audit.findings import AuditInput, check
from napari_fmri_decoder.samples.samples import group_keys

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples

IMBALANCE = 1.5
"""Largest ratio of the sizes of the largest and the smallest class that counts as balanced."""
MIN_TRAINING_SAMPLES = 10
"""Recommended number of training samples per class."""
MAX_MARGIN = 0.25
"""Largest distance from chance of the smallest significant accuracy; beyond it, the test is too weak."""
MIN_ADVANTAGE = 0.1
"""Accuracy above that with permuted labels from which on a rule without brain data is reported."""
MAX_P_OF_TIME = 0.005
"""Largest p of the position in the run that is reported; at most 1% of random orders are below it."""
_N_PERMUTATIONS = 500


def unbalanced(labels: NDArray[np.str_] | Sequence[str]) -> bool:
    """Whether the largest class has more than 1.5 times the samples of the smallest.

    In that case, use the balanced accuracy.

    Examples
    --------
    >>> unbalanced(["a", "a", "b"]), unbalanced(["a", "b"])
    (True, False)
    """
    counts = Counter(np.asarray(labels).tolist()).values()
    return max(counts) > IMBALANCE * min(counts)


@check("labels-follow-run", "warning")
def _labels_follow_run(data: AuditInput) -> str | None:
    labels, runs = _blocks(data)
    rule = _majority_by_key(_codes(runs))
    accuracy, expected, p = _permutation_test(rule, _codes(labels), np.zeros(len(runs), dtype=np.int64))
    most_frequent = max(Counter(labels.tolist()).values()) / len(labels)
    if p > 0.01 or accuracy < expected + MIN_ADVANTAGE:
        return None
    n_runs = len(set(runs.tolist()))
    runs_of = {label: len(set(runs[labels == label].tolist())) for label in sorted(set(labels.tolist()))}
    incomplete = [f"{label} in {n}" for label, n in runs_of.items() if n < n_runs]
    missing = (
        f" Classes that are not in all {n_runs} runs: {', '.join(incomplete[:6])}." if incomplete else ""
    )
    return (
        f"The run predicts the labels: the most frequent class of each run is right for {accuracy:.0%} of "
        f"{len(labels)} blocks; {expected:.0%} would be expected if blocks were assigned to runs at random "
        f"(the most frequent class: {most_frequent:.0%}, p = {p:.2g}).{missing} A decoder may learn the run; "
        "use runs that contain all classes."
    )


@check("labels-follow-time", "warning")
def _labels_follow_time(data: AuditInput) -> str | None:
    if not data.neighbors:
        return None
    labels, runs, position = _trials(data.samples)
    if len(set(runs.tolist())) < 2:
        return None
    accuracy, expected, p = _permutation_test(_majority_of_other_runs(position), _codes(labels), _codes(runs))
    if p > MAX_P_OF_TIME or accuracy < expected + MIN_ADVANTAGE:
        return None
    return (
        f"The position in the run predicts the labels: the most frequent class at the same position in the "
        f"other runs is right for {accuracy:.0%} of {len(labels)} blocks; {expected:.0%} would be expected "
        f"in random order (p = {p:.2g}). Drift, movement and fatigue also depend on time: detrend, interpret "
        "the score with care, and randomize the order for each run in future experiments."
    )


@check("class-imbalance", "warning")
def _class_imbalance(data: AuditInput) -> str | None:
    labels = data.samples.table["label"].to_numpy(dtype=str)
    if data.balanced or not unbalanced(labels):
        return None
    counts = ", ".join(f"{label} {n}" for label, n in Counter(labels.tolist()).most_common())
    return (
        f"The classes have unequal numbers of samples ({counts}), so that always predicting the largest "
        "class exceeds chance. Balance the classes of the training set, and report the balanced accuracy."
    )


@check("few-samples", "warning")
def _few_samples(data: AuditInput) -> str | None:
    labels = data.samples.table["label"].to_numpy(dtype=str)
    fewest = min(
        (n, label, split.name)
        for split in data.splits
        for label, n in Counter(labels[split.train].tolist()).items()
    )
    n, label, name = fewest
    if n >= MIN_TRAINING_SAMPLES:
        return None
    return (
        f"A class should have at least {MIN_TRAINING_SAMPLES} training samples; {label!r} has {n} in "
        f"{name!r}. Scores from so few samples are uncertain: add runs, or merge classes."
    )


@check("few-tested-blocks", "warning")
def _few_tested_blocks(data: AuditInput) -> str | None:
    tested = np.unique(np.concatenate([split.test for split in data.splits]))
    table, n_classes = data.samples.table.iloc[tested], len(data.samples.classes)
    n = table["block"].nunique()
    needed = least_above_chance(n, 1 / n_classes)
    if needed is not None and needed <= 1 / n_classes + MAX_MARGIN:
        return None
    limit = (
        "no accuracy is significantly above chance"
        if needed is None
        else f"only an accuracy of {needed:.2f} or more is significantly above chance ({1 / n_classes:.2f})"
    )
    return (
        f"{len(tested)} samples are tested, but volumes of one block are not independent: with {n} blocks "
        f"and {n_classes} classes, {limit} at 5% by the binomial distribution. Test on more runs, or use "
        "leave-one-run-out."
    )


@check("mask-excludes-signal", "warning")
def _mask_excludes_signal(data: AuditInput) -> str | None:
    return data.coverage.warning if data.coverage is not None else None


@check("runs-not-used", "note")
def _runs_not_used(data: AuditInput) -> str | None:
    used = np.unique(np.concatenate([np.r_[split.train, split.test] for split in data.splits]))
    groups = data.samples.groups
    used_runs = set(groups[used].tolist())
    unused = [run for run in dict.fromkeys(groups.tolist()) if run not in used_runs]
    if not unused:
        return None
    listed = ", ".join(unused[:10]) + (" and more" if len(unused) > 10 else "")
    return (
        f"{len(unused)} of {len(set(groups.tolist()))} runs are neither trained on nor tested: {listed}. "
        "Add them to the training or test runs to use them."
    )


@check("subject-in-both-parts", "note")
def _subject_in_both_parts(data: AuditInput) -> str | None:
    subjects = data.samples.table["subject"].to_numpy(dtype=str)
    if len(set(subjects.tolist())) < 2:
        return None
    both = max(len(np.intersect1d(subjects[s.train], subjects[s.test])) for s in data.splits)
    if not both:
        return None
    return (
        f"{both} of {len(set(subjects.tolist()))} subjects are in both the training and the test set, so the "
        "score does not apply to new subjects. Use leave-one-subject-out for that."
    )


def least_above_chance(n: int, chance: float, level: float = 0.05) -> float | None:
    """Find the smallest accuracy over n independent predictions that is significantly above chance.

    Parameters
    ----------
    n : int
    chance : float
        Probability of a correct guess.
    level : float
        Significance level of the one-sided binomial test.

    Returns
    -------
    float or None
        None if not even n correct predictions are significant.

    Examples
    --------
    >>> least_above_chance(20, 0.5), least_above_chance(4, 0.5)
    (0.75, None)
    """
    from scipy.stats import binom  # takes long to load

    right = int(binom.isf(level, n, chance)) + 1  # P(X >= right) <= level, and not for one less
    return right / n if right <= n else None


Rule = Callable[[NDArray[np.int64]], float]
"""A rule that predicts labels without brain data: from (n,) labels of blocks to its accuracy."""


def _majority_by_key(keys: NDArray[np.int64]) -> Rule:
    """Predict the most frequent label of each key, counted over the same blocks."""

    def accuracy(labels: NDArray[np.int64]) -> float:
        return float(_count_table(keys, labels).max(axis=1).sum() / len(labels))

    return accuracy


def _majority_of_other_runs(keys: NDArray[np.int64]) -> Rule:
    """Predict the most frequent label of each key in the other runs, which have each key once; share ties."""

    def accuracy(labels: NDArray[np.int64]) -> float:
        rows = np.arange(len(labels))
        others = _count_table(keys, labels)[keys]
        others[rows, labels] -= 1
        best = others == others.max(axis=1, keepdims=True)
        return float((best[rows, labels] / best.sum(axis=1)).mean())

    return accuracy


def _count_table(keys: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(keys, labels) counts."""
    shape = int(keys.max()) + 1, int(labels.max()) + 1
    return np.bincount(keys * shape[1] + labels, minlength=shape[0] * shape[1]).reshape(shape)


def _permutation_test(
    rule: Rule, labels: NDArray[np.int64], within: NDArray[np.int64]
) -> tuple[float, float, float]:
    """Test a rule against labels permuted within groups: its accuracy, the mean of the permutations, p."""
    rng, observed = np.random.default_rng(0), rule(labels)
    permuted = np.empty(_N_PERMUTATIONS)
    order = np.argsort(within, kind="stable")
    for i in range(_N_PERMUTATIONS):
        shuffled = np.empty_like(labels)
        shuffled[order] = labels[np.lexsort((rng.random(len(labels)), within))]
        permuted[i] = rule(shuffled)
    p = (int((permuted >= observed - 1e-9).sum()) + 1) / (_N_PERMUTATIONS + 1)
    return observed, float(permuted.mean()), p


def _trials(samples: Samples) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.int64]]:
    """Label, run and position in the run of each trial: of each block, and of each part of a joined block.

    Without rest, successive blocks of one class are one block in the table. Two classes would then always
    alternate, in any order, and permuting such blocks would break a pattern that every order has. So a block
    that touches another one is divided into as many parts as the shortest of these blocks fits into it.

    Parameters
    ----------
    samples : Samples

    Returns
    -------
    labels, runs : (trials,) str array
    position : (trials,) int64 array
        From 0 in each run.
    """
    rows, volumes = samples.volumes.T
    found = pd.DataFrame({"volume": volumes, "block": samples.table["block"].to_numpy()[rows]})
    found["label"], found["run"] = samples.table["label"].to_numpy()[rows], samples.groups[rows]
    blocks = found.groupby("block").agg(
        label=("label", "first"), run=("run", "first"), start=("volume", "min"), last=("volume", "max")
    )
    blocks = blocks.sort_values(["run", "start"])
    start, last, run = (blocks[name].to_numpy() for name in ("start", "last", "run"))
    follows = (start[1:] == last[:-1] + 1) & (run[1:] == run[:-1])
    touching = np.r_[False, follows] | np.r_[follows, False]
    parts, lengths = np.ones(len(blocks), dtype=np.int64), (last - start + 1)[touching]
    if len(lengths):
        parts[touching] = np.round(lengths / lengths.min())
    runs = np.repeat(run.astype(str), parts)
    position = np.arange(len(runs)) - np.searchsorted(runs, runs)
    return np.repeat(blocks["label"].to_numpy(dtype=str), parts), runs, position.astype(np.int64)


def _blocks(data: AuditInput) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """Label and run of each block."""
    table = data.samples.table
    first = np.sort(np.unique(table["block"], return_index=True)[1])
    return table["label"].to_numpy(dtype=str)[first], group_keys(table)[first]


def _codes(values: NDArray[np.str_]) -> NDArray[np.int64]:
    return np.asarray(np.unique(values, return_inverse=True)[1], dtype=np.int64)
