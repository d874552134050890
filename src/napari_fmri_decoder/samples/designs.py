"""Checks for labels that something else than the brain gives away, and for too few samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from napari_fmri_decoder.samples.findings import Facts, check
from napari_fmri_decoder.samples.samples import group_keys

IMBALANCE = 1.5
"""Classes are unbalanced where the largest has more than so many times the samples of the smallest."""
FEW = 10
"""Fewer training samples of a class than this are few."""
MARGIN = 0.25
"""A test that calls nothing less than so far above chance above chance is a weak one."""
BETTER = 0.1
"""A rule that looks at no voxel counts where it beats the most frequent class by so much."""
_EXCHANGES = 500


def unbalanced(labels: NDArray[np.str_] | Sequence[str]) -> bool:
    """Whether the largest class has over 1.5 times the samples of the smallest.

    Then the balanced accuracy is what counts.

    Examples
    --------
    >>> unbalanced(["a", "a", "b"]), unbalanced(["a", "b"])
    (True, False)
    """
    counts = Counter(np.asarray(labels).tolist()).values()
    return max(counts) > IMBALANCE * min(counts)


@check("labels-follow-run", "warning")
def _labels_follow_run(facts: Facts) -> str | None:
    labels, runs, _ = _blocks(facts)
    rule = _in_hindsight(_codes(runs))
    right, expected, p = _beats(rule, _codes(labels), np.zeros(len(runs), dtype=np.int64))
    often = max(Counter(labels.tolist()).values()) / len(labels)
    if p > 0.01 or right < expected + BETTER:
        return None
    where = {label: len(set(runs[labels == label].tolist())) for label in sorted(set(labels.tolist()))}
    few = [f"{label} in {n}" for label, n in where.items() if n < len(set(runs.tolist()))]
    held = f" Of {len(set(runs.tolist()))} runs, there is {', '.join(few[:6])}." if few else ""
    return (
        f"The run gives labels away: naming each run's most frequent class is right for {right:.0%} of "
        f"{len(labels)} blocks, where {expected:.0%} would be if the blocks lay in any run (the most "
        f"frequent class {often:.0%}, p = {p:.2g}).{held} A decoder may learn the run; use runs that hold "
        "all classes."
    )


@check("labels-follow-time", "warning")
def _labels_follow_time(facts: Facts) -> str | None:
    if not facts.neighbours:
        return None
    labels, runs, place = _blocks(facts)
    if len(set(runs.tolist())) < 2:
        return None
    right, expected, p = _beats(_of_other_runs(place), _codes(labels), _codes(runs))
    if p > 0.01 or right < expected + BETTER:
        return None
    return (
        f"The place in the run gives labels away: the class that stands most often at a block's place in the "
        f"other runs is right for {right:.0%} of {len(labels)} blocks, where {expected:.0%} would be in any "
        f"other order (p = {p:.2g}). Drift, movement and tiredness follow time too: detrend, read the score "
        "with care, and shuffle the order anew for each run in the next experiment."
    )


@check("class-imbalance", "warning")
def _class_imbalance(facts: Facts) -> str | None:
    labels = facts.samples.table["label"].to_numpy(dtype=str)
    if not unbalanced(labels):
        return None
    counts = ", ".join(f"{label} {n}" for label, n in Counter(labels.tolist()).most_common())
    return (
        f"The classes have unequal numbers of samples ({counts}), so that always naming the largest beats "
        "chance. Read the balanced accuracy, or exclude some samples."
    )


@check("few-samples", "warning")
def _few_samples(facts: Facts) -> str | None:
    labels = facts.samples.table["label"].to_numpy(dtype=str)
    fewest = min(
        (n, label, split.name)
        for split in facts.splits
        for label, n in Counter(labels[split.train].tolist()).items()
    )
    n, label, name = fewest
    if n >= FEW:
        return None
    return (
        f"A class should have at least {FEW} training samples; {label!r} has {n} in {name!r}. Scores of so "
        "few are uncertain: add runs, or merge classes."
    )


@check("few-tested-blocks", "warning")
def _few_tested_blocks(facts: Facts) -> str | None:
    tested = np.unique(np.concatenate([split.test for split in facts.splits]))
    table, n_classes = facts.samples.table.iloc[tested], len(facts.samples.classes)
    n = table["block"].nunique()
    needed = least_above_chance(n, 1 / n_classes)
    if needed is not None and needed <= 1 / n_classes + MARGIN:
        return None
    reach = (
        "no accuracy could be called above chance"
        if needed is None
        else f"only an accuracy of {needed:.2f} or more could be called above chance ({1 / n_classes:.2f})"
    )
    return (
        f"{len(tested)} samples are tested, but volumes of one block are no free units: of {n} blocks and "
        f"{n_classes} classes {reach} at 5%, by the binomial distribution. Test on more runs, or leave each "
        "run out in turn."
    )


@check("runs-not-used", "note")
def _runs_not_used(facts: Facts) -> str | None:
    used = np.unique(np.concatenate([np.r_[split.train, split.test] for split in facts.splits]))
    groups = facts.samples.groups
    taking_part = set(groups[used].tolist())
    left = [run for run in dict.fromkeys(groups.tolist()) if run not in taking_part]
    if not left:
        return None
    shown = ", ".join(left[:10]) + (" and more" if len(left) > 10 else "")
    return (
        f"{len(left)} of {len(set(groups.tolist()))} runs are neither trained on nor tested: {shown}. "
        "Name them in train or test if they are to take part."
    )


@check("subject-in-both-parts", "note")
def _subject_in_both_parts(facts: Facts) -> str | None:
    subjects = facts.samples.table["subject"].to_numpy(dtype=str)
    if len(set(subjects.tolist())) < 2:
        return None
    both = max(len(np.intersect1d(subjects[s.train], subjects[s.test])) for s in facts.splits)
    if not both:
        return None
    return (
        f"{both} of {len(set(subjects.tolist()))} subjects stand in both parts, so that the score says "
        "nothing about people who were not trained on. Choose leave-one-subject-out for that."
    )


def least_above_chance(n: int, chance: float, level: float = 0.05) -> float | None:
    """Find the smallest accuracy over n independent answers that guessing reaches at most so often.

    Parameters
    ----------
    n : int
    chance, level : float

    Returns
    -------
    float or None
        None where even n right answers are guessed more often.

    Examples
    --------
    >>> least_above_chance(20, 0.5), least_above_chance(4, 0.5)
    (0.75, None)
    """
    right = int(binom.isf(level, n, chance)) + 1  # P(X >= right) <= level, and not for one less
    return right / n if right <= n else None


Rule = Callable[[NDArray[np.int64]], float]
"""Fraction of (n,) labels of blocks that a rule gets right which looks at no voxel."""


def _in_hindsight(keys: NDArray[np.int64]) -> Rule:
    """Name the most frequent label of each key, counted over the same blocks."""

    def right(labels: NDArray[np.int64]) -> float:
        return float(_table(keys, labels).max(axis=1).sum() / len(labels))

    return right


def _of_other_runs(keys: NDArray[np.int64]) -> Rule:
    """Name the most frequent label of each key in the other runs (each has it once); ties count in part."""

    def right(labels: NDArray[np.int64]) -> float:
        rows = np.arange(len(labels))
        others = _table(keys, labels)[keys]
        others[rows, labels] -= 1
        best = others == others.max(axis=1, keepdims=True)
        return float((best[rows, labels] / best.sum(axis=1)).mean())

    return right


def _table(keys: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(keys, labels) counts."""
    counts = np.zeros((keys.max() + 1, labels.max() + 1), dtype=np.int64)
    np.add.at(counts, (keys, labels), 1)
    return counts


def _beats(rule: Rule, labels: NDArray[np.int64], within: NDArray[np.int64]) -> tuple[float, float, float]:
    """Score a rule on the labels, and on labels exchanged within groups: its score, their mean, p."""
    rng, observed = np.random.default_rng(0), rule(labels)
    exchanged = np.empty(_EXCHANGES)
    order = np.argsort(within, kind="stable")
    for i in range(_EXCHANGES):
        shuffled = np.empty_like(labels)
        shuffled[order] = labels[np.lexsort((rng.random(len(labels)), within))]
        exchanged[i] = rule(shuffled)
    p = (int((exchanged >= observed - 1e-9).sum()) + 1) / (_EXCHANGES + 1)
    return observed, float(exchanged.mean()), p


def _blocks(facts: Facts) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.int64]]:
    """Label, run and place in the run of each block."""
    table = facts.samples.table
    first = np.sort(np.unique(table["block"], return_index=True)[1])
    heads = table.iloc[first]
    runs = group_keys(table)[first]
    place = np.zeros(len(heads), dtype=np.int64)
    volumes = heads["volume"].to_numpy()
    for run in set(runs.tolist()):
        rows = np.flatnonzero(runs == run)
        place[rows] = np.argsort(np.argsort(volumes[rows]))
    return heads["label"].to_numpy(dtype=str), runs, place


def _codes(values: NDArray[np.str_]) -> NDArray[np.int64]:
    return np.asarray(np.unique(values, return_inverse=True)[1], dtype=np.int64)
