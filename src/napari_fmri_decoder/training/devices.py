"""Where a network is trained: the graphics processor if there is one, else the processor."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass

import torch

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.training.memory import free_bytes, in_words

_NO_CARD = ("Found no NVIDIA driver", "No CUDA GPUs are available")
"""What torch says on a machine that has no card, or hides it."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device that is there, and why it is not the one asked for (empty if it is)."""

    torch: torch.device
    note: str = ""


@dataclass(frozen=True, slots=True)
class DeviceFound:
    """A device that can be chosen.

    Attributes
    ----------
    name : str
        As `choose_device` takes it, such as "cuda:0".
    model : str
        What it is, such as "NVIDIA H200".
    free : int or None
        Bytes that a fit can have there now; None where the device does not say.
    """

    name: str
    model: str
    free: int | None

    def words(self) -> str:
        """Say it in one line.

        Examples
        --------
        >>> DeviceFound("cuda:0", "NVIDIA H200", 130 * 1024**3).words()
        'cuda:0, 130 GiB free (NVIDIA H200)'
        """
        said = "memory not known" if self.free is None else f"{in_words(self.free)} free"
        return f"{self.name}, {said} ({self.model})"


def devices_found() -> tuple[DeviceFound, ...]:
    """List the devices of this machine, the processor first, each with the memory that is free now.

    To ask a CUDA device for its memory takes torch a second the first time, and some hundred
    megabytes on it: where there are such, this is no work for the thread of a window. `has_graphics`
    tells, and is quick.

    Returns
    -------
    tuple of DeviceFound
    """
    cores = os.cpu_count() or 1
    found = [DeviceFound("cpu", f"{cores} core{'s' * (cores > 1)}", free_bytes(torch.device("cpu")))]
    for i in range(_count("cuda")):
        device = torch.device("cuda", i)
        found.append(DeviceFound(f"cuda:{i}", torch.cuda.get_device_name(device), _free_bytes(device)))
    if _count("mps"):
        found.append(DeviceFound("mps", "Apple graphics processor", _free_bytes(torch.device("mps"))))
    return tuple(found)


def has_graphics() -> bool:
    """Whether torch finds a graphics processor, without asking it for anything."""
    return bool(_count("cuda") or _count("mps"))


def _free_bytes(device: torch.device) -> int | None:
    try:
        return free_bytes(device)
    except RuntimeError:  # full to the brim, or taken by another program alone: it can be chosen later
        return None


def choose_device(name: str = "auto") -> Device:
    """Find the device for a fit; fall back to the processor and say why.

    Parameters
    ----------
    name : str
        "auto" (the first of cuda, mps, cpu that is there), "cpu", "cuda", "cuda:1" and so on, or "mps".

    Returns
    -------
    Device

    Raises
    ------
    InputError
        If the name is none of these.

    Examples
    --------
    >>> choose_device("cpu").torch.type
    'cpu'
    """
    if name == "auto":
        kind = next((kind for kind in ("cuda", "mps") if _count(kind)), "cpu")
        reason = why_none("cuda") if kind == "cpu" and torch.version.cuda else ""
        # A machine without such a card needs no words; one whose card cannot be used does.
        words = "" if any(said in reason for said in _NO_CARD) else reason
        return Device(torch.device(kind), f"Trained on the processor: {words}." if words else "")
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (number and not number.isdecimal()) or name.endswith(":"):
        raise InputError(f"A device must be auto, cpu, cuda, cuda:<number> or mps, got {name!r}.")
    found = _count(kind)
    if int(number or 0) < found:
        return Device(torch.device(kind, int(number)) if number and kind == "cuda" else torch.device(kind))
    reason = f"torch finds {found} of them" if found else why_none(kind)
    return Device(torch.device("cpu"), f"Trained on the processor: {name} was asked for, but {reason}.")


def why_none(kind: str) -> str:
    """Say why torch finds no device of a kind: its build, the driver, or there is no card.

    Parameters
    ----------
    kind : {"cuda", "mps"}

    Returns
    -------
    str
        A clause, such as "this build of torch (2.9.0+cpu) has no CUDA; install one that has".
    """
    build = f"this build of torch ({torch.__version__})"
    if kind == "mps":
        if not torch.backends.mps.is_built():
            return f"{build} has no MPS, which Macs alone have"
        return "torch finds no Apple graphics processor, or macOS is older than MPS needs"
    if not torch.version.cuda and not torch.version.hip:
        return f"{build} has no CUDA; install one that has (pytorch.org says which)"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.cuda.init()
    except (RuntimeError, AssertionError) as error:  # torch's own words: no driver, too old a driver, no GPU
        said = " ".join(str(error).split()).partition(". ")[0].rstrip(".")
        return f"torch says: {said}"
    return "torch finds none on this machine"


def _count(kind: str) -> int:
    """How many devices of a kind there are."""
    if kind == "cuda":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a driver: it is said in words
            return torch.cuda.device_count() if torch.cuda.is_available() else 0
    return 1 if kind == "cpu" or torch.backends.mps.is_available() else 0
