"""Where a network is trained: the graphics processor if there is one, else the processor."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from napari_fmri_decoder.errors import InputError


@dataclass(frozen=True, slots=True)
class Device:
    """A device that is there, and why it is not the one asked for (empty if it is)."""

    torch: torch.device
    note: str = ""


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
        return Device(torch.device(next((kind for kind in ("cuda", "mps") if _count(kind)), "cpu")))
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (number and not number.isdecimal()) or name.endswith(":"):
        raise InputError(f"A device must be auto, cpu, cuda, cuda:<number> or mps, got {name!r}.")
    found = _count(kind)
    if int(number or 0) < found:
        return Device(torch.device(kind, int(number)) if number and kind == "cuda" else torch.device(kind))
    reason = f"torch finds {found} of them" if found else "torch finds none on this machine"
    return Device(torch.device("cpu"), f"Trained on the processor: {name} was asked for, but {reason}.")


def _count(kind: str) -> int:
    """How many devices of a kind there are."""
    if kind == "cuda":
        return torch.cuda.device_count() if torch.cuda.is_available() else 0
    return 1 if kind == "cpu" or torch.backends.mps.is_available() else 0
