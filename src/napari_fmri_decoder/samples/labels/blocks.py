"""Labels from repeating blocks: "4 closed, 4 open, 48 times"."""

from __future__ import annotations

import re
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import pandas as pd
from pydantic import Field, field_validator

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.options import shown
from napari_fmri_decoder.samples.labels.base import LabelsConfig
from napari_fmri_decoder.samples.labels.per_volume import apply_lag, runs_by_file
from napari_fmri_decoder.samples.samples import group_keys

if TYPE_CHECKING:
    from napari_fmri_decoder.volumes.volume import Volume


_MAX_VOLUMES = 10_000_000
"""Of all blocks before they repeat."""


class BlockLabels(LabelsConfig):
    """Blocks of volumes that repeat through the series."""

    summary: ClassVar[str] = "Repeating blocks, such as 4 closed, 4 open, 48 times"

    source: Literal["blocks"] = "blocks"
    blocks: str = Field(
        description="Number of volumes and label of each block in order, and the number of repetitions: "
        '"4 closed, 4 open, 48 times". Without a number of repetitions, they repeat to the end.'
    )
    chunk: int = Field(
        0,
        ge=0,
        le=10_000_000,
        description="Number of volumes per run, a multiple of whole blocks; 64 in the original notebook. 0 "
        "treats each file as a run, named by its BIDS name.",
        json_schema_extra={"label": "Volumes per run"},
    )

    @field_validator("blocks")
    @classmethod
    def _check_syntax(cls, spec: str) -> str:
        parse_blocks(spec)
        return spec

    def rows(self, series: Volume, base: Path) -> tuple[pd.DataFrame, list[str]]:
        """Repeat the blocks over the series."""
        blocks, times = parse_blocks(self.blocks)
        n = series.n_volumes
        cycle = [label for count, label in blocks for _ in range(count)]
        if times is None:
            times = max(n // len(cycle), 1)
        if len(cycle) * times != n:
            raise InputError(
                f"Repeating blocks must fill the series: {len(cycle)} volumes, {times} times, are "
                f"{len(cycle) * times}, but there are {n} volumes. Change the blocks, the repetitions, or "
                "the files."
            )
        lengths = [count for _ in range(times) for count, _ in blocks]
        runs = (
            pd.DataFrame({"subject": "", "session": "", "run": [str(i // self.chunk + 1) for i in range(n)]})
            if self.chunk
            else runs_by_file(series)
        )
        _check_whole_blocks(group_keys(runs).tolist(), lengths, len(cycle))
        return apply_lag(runs.assign(label=cycle * times), self.delay, series.step), []


def _check_whole_blocks(runs: list[str], lengths: list[int], cycle: int) -> None:
    # A block in two runs would be in both the training and the test set.
    edges = {0, *accumulate(lengths)}
    for i in range(1, len(runs)):
        if runs[i] != runs[i - 1] and i not in edges:
            first = max(edge for edge in edges if edge < i)
            last = min(edge for edge in edges if edge > i) - 1
            raise InputError(
                f"Each run must contain whole blocks, but a run starts at volume {i}, within the block of "
                f"volumes {first} to {last}. Choose a chunk that is a multiple of {cycle}, such as "
                f"{max(i // cycle, 1) * cycle}."
            )


def parse_blocks(spec: str) -> tuple[list[tuple[int, str]], int | None]:
    """Parse a specification of repeating blocks.

    Parameters
    ----------
    spec : str

    Returns
    -------
    blocks : list of (int, str)
        Number of volumes and label of each.
    times : int or None
        Number of repetitions; None if not given.

    Examples
    --------
    >>> parse_blocks("4 closed, 4 open, 48 times")
    ([(4, 'closed'), (4, 'open')], 48)
    """
    items = [item.strip() for item in spec.split(",") if item.strip()]
    times = None
    if items and (match := re.fullmatch(r"(\d{1,8})\s+times?", items[-1])):
        times = int(match[1])
        items.pop()
    matches = [re.fullmatch(r"(\d{1,8})\s+(\S.*)", item) for item in items]
    blocks = [(int(match[1]), match[2]) for match in matches if match]
    if not blocks or len(blocks) != len(items) or times == 0 or any(count == 0 for count, _ in blocks):
        raise InputError(
            f'Repeating blocks must read like "4 closed, 4 open, 48 times", got {spec!r}. '
            "List the number of volumes and the label of each block, separated by commas."
        )
    if sum(count for count, _ in blocks) > _MAX_VOLUMES:
        raise InputError(
            f"Repeating blocks must have at most {_MAX_VOLUMES} volumes, got {shown(spec)}. Correct the "
            "numbers."
        )
    return blocks, times
