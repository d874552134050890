"""The result of the tests of a map: one line, a table, and a dictionary for files."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Check:
    """Result of one test.

    Attributes
    ----------
    test : str
        Its name.
    passed : bool or None
        None if the test never decides, was left out, or was not possible.
    value : float or None
        What was measured.
    required : str
        The threshold, such as "<= 0.31"; empty if there is none.
    detail : str
        What the value is, or why there is none.
    """

    test: str
    passed: bool | None
    value: float | None
    required: str
    detail: str

    @property
    def outcome(self) -> str:
        """In one or two words."""
        if self.passed is None:
            return "not tested" if self.value is None else "for information"
        return "passed" if self.passed else "failed"


@dataclass(frozen=True, slots=True)
class Similarity:
    """Rank correlation of the map with those of networks whose layers are partly random.

    Attributes
    ----------
    layers : str
        The random layers, such as "conv2 to out" or "conv2 alone".
    mean : float
    lowest, highest : float
        Over draws.
    """

    layers: str
    mean: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class Proof:
    """Results of all tests of a map.

    Attributes
    ----------
    method : str
        Name of the explanation method.
    checks : tuple of Check
    similarities : tuple of Similarity
        From the layer at the top to all layers, then each layer alone.
    """

    method: str
    checks: tuple[Check, ...]
    similarities: tuple[Similarity, ...] = ()

    @property
    def failed(self) -> tuple[Check, ...]:
        """Tests that failed."""
        return tuple(check for check in self.checks if check.passed is False)

    @property
    def passed(self) -> bool:
        """Whether at least one test was made, and none failed."""
        return not self.failed and any(check.passed for check in self.checks)

    @property
    def line(self) -> str:
        """The result in one line."""
        missing = [c.test for c in self.checks if c.passed is None and c.value is None]
        end = f"; not tested: {', '.join(missing)}." if missing else "."
        if self.failed:
            reasons = ", ".join(f"{c.test} ({c.value:.3g}, required {c.required})" for c in self.failed)
            return f"The map of {self.method} failed: {reasons}{end}"
        passed = ", ".join(c.test for c in self.checks if c.passed)
        return f"The map of {self.method} passed: {passed or 'no test was made'}{end}"

    def table(self) -> str:
        """All results as text, one test per line."""
        rows = [("test", "outcome", "value", "required", "detail")]
        for c in self.checks:
            value = "" if c.value is None else f"{c.value:.3g}"
            rows.append((c.test, c.outcome, value, c.required, c.detail))
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        return "\n".join(
            "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[4]]).rstrip()
            for row in rows
        )

    def to_dict(self) -> dict[str, Any]:
        """All results, for a JSON file."""
        return {
            "Method": self.method,
            "Passed": self.passed,
            "Line": self.line,
            "Checks": [{**asdict(c), "outcome": c.outcome} for c in self.checks],
            "ModelRandomization": [asdict(s) for s in self.similarities],
        }
