"""Open thousands of damaged images: each must open correctly or give one clear error.

The files are small valid images (NIfTI-1 and -2, MGH, Analyze, pairs, AFNI; plain and gzip) with
seeded random damage. They are opened by a reused worker process with limits on address space and time
per case. A worker that dies or hangs is a failure, reported with seed and case.

Optionally, random mutated recipes, tables and options are passed to the command (`bad_input.py`).

Usage: python tools/fuzz.py [--cases 10000] [--seed 0] [--only CASE] [--inputs 3000]
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import select
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from damaged_images import make_case

SECONDS = 5.0
"""Time limit of one case."""
MEMORY = 2**30
"""Bytes that a worker may allocate in addition to those in use after all imports."""


def check(path: Path) -> tuple[str, str]:
    """Open one image as a user would.

    Returns
    -------
    outcome : {"opened", "refused", "failed"}
    message : str
        Error message; "" without an error.
    """
    from napari_fmri_decoder.errors import InputError
    from napari_fmri_decoder.volumes.describe import describe
    from napari_fmri_decoder.volumes.read import read

    try:
        volume = read(path)
        last = volume.at(volume.n_volumes - 1)
        described = describe(volume)
        json.dumps(described)
        layer = _to_layer(volume)
    except InputError as error:
        message = str(error)
        # the files are small: none of them can exhaust memory
        clear = "\n" not in message and 20 < len(message) < 700 and "fit into memory" not in message
        return "refused" if clear else "failed", message
    if layer is not None:
        np.asarray(layer[0][(0,) * (layer[0].ndim - 2)])
    return _like_nibabel(path, volume, last)


def _like_nibabel(path: Path, volume: Any, last: Any) -> tuple[str, str]:
    """Compare voxels and affine with nibabel's."""
    image: Any = nib.load(path)
    with np.errstate(all="ignore"):
        theirs = np.asarray(image.dataobj).reshape(volume.shape, order="F")
        theirs = (theirs[..., -1] if volume.is_series else theirs).astype(np.float32)
    if last.shape != volume.shape[:3] or not np.allclose(last, theirs, rtol=1e-5, equal_nan=True):
        return "failed", "the voxels differ from nibabel's"
    in_mm = not hasattr(image.header, "get_xyzt_units") or image.header.get_xyzt_units()[0] in (
        "mm",
        "unknown",
    )
    if in_mm and not np.allclose(volume.affine, image.affine, rtol=1e-6):
        return "failed", "the affine differs from nibabel's"
    return "opened", ""


def _to_layer(volume: Any) -> Any:
    """Make napari's layer tuple if napari is installed."""
    try:
        from napari_fmri_decoder._napari.layers.to_layer import to_layer
    except ImportError:
        return None
    return to_layer(volume)


def work() -> None:
    """Open the files named on standard input, one per line, and answer on standard output."""
    import warnings

    from napari_fmri_decoder.volumes.frames import Grid
    from napari_fmri_decoder.volumes.volume import Volume

    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # keep other output separate from the answers
    _to_layer(Volume(np.zeros((2, 2, 2), np.float32), Grid((2, 2, 2), np.eye(4)).affine))
    for module in ("scipy.io.matlab", "indexed_gzip"):
        __import__(module)
    _limit_memory()
    nib.imageglobals.logger.handlers = [logging.NullHandler()]
    warnings.simplefilter("error")  # napari shows each as a notification
    warnings.simplefilter("ignore", ResourceWarning)  # nibabel leaves MGH files open
    answers.write("ready\n")
    for line in sys.stdin:
        start = time.perf_counter()
        try:
            outcome, message = check(Path(line.strip()))
        except BaseException as error:  # noqa: BLE001  # anything but an InputError is a finding
            where = traceback.extract_tb(error.__traceback__)[-6:]
            lines = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(where))
            outcome, message = "failed", f"{type(error).__name__}: {error} ({lines})"
        taken = time.perf_counter() - start
        answers.write(json.dumps({"outcome": outcome, "message": message, "seconds": taken}) + "\n")


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    status = Path("/proc/self/status")
    if status.exists():
        size = next(line for line in status.read_text().splitlines() if line.startswith("VmSize"))
        limit = int(size.split()[1]) * 1024 + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


@dataclass(frozen=True, slots=True)
class Finding:
    """Outcome of a case."""

    case: int
    outcome: str
    message: str
    seconds: float


class Worker:
    """A process that opens one file after another; restarted if it dies."""

    def __init__(self, command: list[str], seconds: float) -> None:
        self._command, self._seconds = command, seconds
        self._process: subprocess.Popen[str] | None = None

    def open(self, path: Path) -> tuple[str, str, float]:
        """Open one file; "failed" if the process dies or takes too long."""
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            answer = self._answer(self._seconds)
        except BrokenPipeError:
            answer = ""
        if answer is None:
            self.close()
            return "failed", f"it hangs: no answer within {self._seconds:g} s", self._seconds
        if not answer:
            code = process.wait()
            self.close()
            return "failed", f"the worker died with status {code}", 0.0
        result = json.loads(answer)
        return result["outcome"], result["message"], result["seconds"]

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            self._answer(120)  # ready
        return self._process

    def _answer(self, seconds: float) -> str | None:
        """Read one line; "" if the process died, None after the time limit."""
        assert self._process is not None
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], seconds)
        return self._process.stdout.readline() if readable else None

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def fuzz(
    seed: int,
    cases: Iterator[int] | range,
    command: list[str] | None = None,
    seconds: float = SECONDS,
) -> Iterator[Finding]:
    """Try cases one after another in one worker."""
    worker = Worker(command or [sys.executable, __file__, "--work"], seconds)
    with ExitStack() as end, tempfile.TemporaryDirectory() as folder:
        end.callback(worker.close)
        for case in cases:
            name, files = make_case(seed, case)
            place = Path(folder) / str(case)
            place.mkdir()
            for own, content in files.items():
                (place / own).write_bytes(content)
            yield Finding(case, *worker.open(place / name))
            for own in files:
                (place / own).unlink()
            place.rmdir()


def main(arguments: list[str] | None = None) -> int:
    """Run the cases; the exit status is 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="run only this case")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="time limit of one case")
    parser.add_argument(
        "--inputs", type=int, default=0, help="number of mutated recipes, tables and options, each"
    )
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.work:
        work()
        return 0
    counts: Counter[str] = Counter()
    slowest = 0.0
    cases = range(options.cases) if options.only is None else range(options.only, options.only + 1)
    for finding in fuzz(options.seed, cases, seconds=options.seconds):
        counts[finding.outcome] += 1
        slowest = max(slowest, finding.seconds)
        if finding.outcome == "failed" or options.only is not None:
            case = f"seed {options.seed} case {finding.case}"
            print(f"{case} {finding.outcome}: {finding.message}", flush=True)
    print(
        f"{sum(counts.values())} cases: {counts['opened']} opened, {counts['refused']} refused, "
        f"{counts['failed']} failed; the slowest took {slowest:.2f} s"
    )
    return 1 if counts["failed"] or (options.inputs and _inputs(options.inputs)) else 0


def _inputs(examples: int) -> int:
    """Run this many mutated recipes, tables and options each; return pytest's exit status."""
    tests = Path(__file__).parents[1] / "tests" / "cli" / "test_bad_input.py"
    environment = os.environ | {"FMRI_DECODER_EXAMPLES": str(examples)}
    command = [sys.executable, "-m", "pytest", "-q", "-k", "mutated", str(tests)]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
