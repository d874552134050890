"""The ways in which a split can flatter a decoder, each a finding with a name.

A new check is one function with `@check`; it says in one message what was found and what to do,
or None.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_fmri_decoder.errors import InputError

if TYPE_CHECKING:
    from napari_fmri_decoder.samples.samples import Samples
    from napari_fmri_decoder.samples.splits import Split

Severity = Literal["error", "warning", "note"]

IMBALANCE = 1.5
"""Classes are unbalanced where the largest has more than so many times the samples of the smallest."""
FEW = 10
"""Fewer training samples of a class than this are few."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that makes a score mean less than it seems to.

    Attributes
    ----------
    code : str
        Its name, for ``[audit] allow``.
    severity : {"error", "warning", "note"}
    message : str
        What was found, in numbers, and what to do.
    allowed : bool
        Whether the user overrode it by its code.
    """

    code: str
    severity: Severity
    message: str
    allowed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What the checks look at.

    Attributes
    ----------
    samples : Samples
    splits : sequence of Split
    neighbours : int
        Volumes so near one another in a run share a haemodynamic response; 0 where the samples
        are no series in time.
    """

    samples: Samples
    splits: Sequence[Split]
    neighbours: int


class Check(NamedTuple):
    """A check and how grave its finding is."""

    severity: Severity
    find: Callable[[Facts], str | None]


checks: dict[str, Check] = {}
"""Every check by the code of its finding."""


def check(
    code: str, severity: Severity
) -> Callable[[Callable[[Facts], str | None]], Callable[[Facts], str | None]]:
    """Register a check."""

    def register(find: Callable[[Facts], str | None]) -> Callable[[Facts], str | None]:
        checks[code] = Check(severity, find)
        return find

    return register


def audit(
    samples: Samples,
    splits: Sequence[Split],
    *,
    allow: Sequence[str] = (),
    neighbours: int = 4,
) -> list[Finding]:
    """Look for all that makes a score mean less than it seems to.

    Parameters
    ----------
    samples : Samples
    splits : sequence of Split
    allow : sequence of str
        Codes of findings that the user overrides.
    neighbours : int
        Positions within which two volumes of one run are neighbours in time: about 10 s over
        the TR. 0 for stacks of maps.

    Returns
    -------
    list of Finding
        Errors first.

    Raises
    ------
    InputError
        If a code in `allow` is unknown.
    """
    unknown = sorted(set(allow) - set(checks))
    if unknown:
        raise InputError(
            f"Findings are allowed by their codes; {', '.join(unknown)} is none. The codes are: "
            f"{', '.join(checks)}."
        )
    facts = Facts(samples, splits, neighbours)
    found = [
        Finding(code, severity, message, code in allow)
        for code, (severity, find) in checks.items()
        if (message := find(facts)) is not None
    ]
    return sorted(found, key=lambda finding: ("error", "warning", "note").index(finding.severity))


def blocking(findings: Sequence[Finding], allow: Sequence[str] = ()) -> list[Finding]:
    """Give the errors that no one has overridden: with one of them nothing should be trained."""
    return [f for f in findings if f.severity == "error" and not f.allowed and f.code not in allow]


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


@check("run-in-both-parts", "error")
def _run_in_both_parts(facts: Facts) -> str | None:
    groups, blocks = facts.samples.groups, facts.samples.table["block"].to_numpy()
    shared = [(_shared(groups, split), _shared(blocks, split), split) for split in facts.splits]
    runs, shared_blocks, worst = max(shared, key=lambda s: (s[0], s[1]))
    if not runs:
        return None
    n_splits = sum(1 for n, _, _ in shared if n)
    return (
        f"{runs} of {len(set(groups.tolist()))} runs and {shared_blocks} of {len(set(blocks.tolist()))} "
        f"blocks stand in both the training and the test part of {worst.name!r} ({n_splits} of {len(shared)} "
        "splits are affected): volumes of one run resemble one another whatever they show. Choose "
        "leave-one-run-out."
    )


@check("neighbours-across-split", "error")
def _neighbours_across_split(facts: Facts) -> str | None:
    groups, volumes = facts.samples.groups, facts.samples.table["volume"].to_numpy()
    near = {split.name: _near(groups, volumes, split, facts.neighbours) for split in facts.splits}
    worst = max(near, key=lambda name: near[name])
    if not near[worst]:
        return None
    n_test = next(len(split.test) for split in facts.splits if split.name == worst)
    return (
        f"{near[worst]} of {n_test} test samples of {worst!r} have a training sample within "
        f"{facts.neighbours} volumes in the same run, in which the haemodynamic response lasts. Leave whole "
        "runs out."
    )


@check("duplicate-volumes", "error")
def _duplicate_volumes(facts: Facts) -> str | None:
    hashes = np.array([hash(row.tobytes()) for row in np.ascontiguousarray(facts.samples.X)])
    copies = np.unique(
        np.concatenate(
            [split.test[np.isin(hashes[split.test], hashes[split.train])] for split in facts.splits]
        )
    )
    if not len(copies):
        return None
    shown = ", ".join(map(str, facts.samples.table["volume"].to_numpy()[copies][:5]))
    return (
        f"{len(copies)} of {len(facts.samples.X)} samples are tested although an exact copy of them is "
        f"trained on, such as volume(s) {shown}. Take out files that were given twice."
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


def _shared(keys: NDArray[np.generic], split: Split) -> int:
    return len(np.intersect1d(keys[split.train], keys[split.test]))


def _near(groups: NDArray[np.str_], volumes: NDArray[np.int64], split: Split, within: int) -> int:
    """Count test samples with a training sample of the same run at most `within` volumes away."""
    if within <= 0:
        return 0
    near = 0
    for run in np.intersect1d(groups[split.train], groups[split.test]):
        train = np.sort(volumes[split.train[groups[split.train] == run]])
        test = volumes[split.test[groups[split.test] == run]]
        after = np.searchsorted(train, test)
        to_next = np.abs(train[after.clip(max=len(train) - 1)] - test)
        to_last = np.abs(train[(after - 1).clip(min=0)] - test)
        near += int((np.minimum(to_next, to_last) <= within).sum())
    return near
