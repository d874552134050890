"""The device of a network: the GPU if there is one, else the CPU."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass

import torch

from napari_fmri_decoder.errors import InputError
from napari_fmri_decoder.formatting import format_bytes
from napari_fmri_decoder.training.torch.memory import free_bytes

_NO_GPU = ("Found no NVIDIA driver", "No CUDA GPUs are available")
"""Messages of torch on a machine without a GPU, or with a hidden one."""


@dataclass(frozen=True, slots=True)
class Device:
    """An available device, and why it is not the requested one (empty if it is)."""

    torch: torch.device
    note: str = ""


@dataclass(frozen=True, slots=True)
class DeviceFound:
    """An available device.

    Attributes
    ----------
    name : str
        Name for `choose_device`, such as "cuda:0".
    model : str
        Product name, such as "NVIDIA H200".
    free : int or None
        Bytes that are free for a fit now; None if the device does not report it.
    """

    name: str
    model: str
    free: int | None

    def label(self) -> str:
        """Name, free memory and product, in one line.

        Examples
        --------
        >>> DeviceFound("cuda:0", "NVIDIA H200", 130 * 1024**3).label()
        'cuda:0, 130 GiB free (NVIDIA H200)'
        """
        memory = "memory unknown" if self.free is None else f"{format_bytes(self.free)} free"
        return f"{self.name}, {memory} ({self.model})"


def devices_found() -> tuple[DeviceFound, ...]:
    """List the devices of this machine, the CPU first, each with its free memory.

    The first request for the memory of a CUDA device takes torch a second, and some hundred megabytes on the
    device: do not call this on the thread of a window if there is one. `has_gpu` is quick.

    Returns
    -------
    tuple of DeviceFound
    """
    cores = os.cpu_count() or 1
    found = [DeviceFound("cpu", f"{cores} core{'s' * (cores > 1)}", free_bytes(torch.device("cpu")))]
    for i in range(device_count("cuda")):
        device = torch.device("cuda", i)
        found.append(DeviceFound(f"cuda:{i}", torch.cuda.get_device_name(device), _free_bytes(device)))
    if device_count("mps"):
        found.append(DeviceFound("mps", "Apple GPU", _free_bytes(torch.device("mps"))))
    return tuple(found)


def has_gpu() -> bool:
    """Whether torch finds a GPU, without using it."""
    return bool(device_count("cuda") or device_count("mps"))


def _free_bytes(device: torch.device) -> int | None:
    try:
        return free_bytes(device)
    except RuntimeError:  # full, or reserved by another program: it may be free later
        return None


def choose_device(name: str = "auto") -> Device:
    """Find the device for a fit; fall back to the CPU, with a reason.

    Parameters
    ----------
    name : str
        "auto" (the first available of cuda, mps, cpu), "cpu", "cuda", "cuda:1" and so on, or "mps".

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
        kind = next((kind for kind in ("cuda", "mps") if device_count(kind)), "cpu")
        reason = why_none("cuda") if kind == "cpu" and torch.version.cuda else ""
        # No note on a machine without a GPU; a note if there is one that cannot be used.
        note = "" if any(message in reason for message in _NO_GPU) else reason
        return Device(torch.device(kind), f"Trained on the CPU: {note}." if note else "")
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (number and not number.isdecimal()) or name.endswith(":"):
        raise InputError(f"A device must be auto, cpu, cuda, cuda:<number> or mps, got {name!r}.")
    found = device_count(kind)
    if int(number or 0) < found:
        return Device(torch.device(kind, int(number)) if number and kind == "cuda" else torch.device(kind))
    reason = f"torch finds only {found} such device{'s' * (found > 1)}" if found else why_none(kind)
    return Device(torch.device("cpu"), f"Trained on the CPU instead of {name}: {reason}.")


def why_none(kind: str) -> str:
    """Why torch finds no device of a kind: its build, the driver, or there is no GPU.

    Parameters
    ----------
    kind : {"cuda", "mps"}

    Returns
    -------
    str
        A clause, such as "this build of torch (2.9.0+cpu) has no CUDA; install one with CUDA".
    """
    build = f"this build of torch ({torch.__version__})"
    if kind == "mps":
        if not torch.backends.mps.is_built():
            return f"{build} has no MPS, which exists only on Macs"
        return "torch finds no Apple GPU, or this version of macOS is too old for MPS"
    if not torch.version.cuda and not torch.version.hip:
        return f"{build} has no CUDA; install one with CUDA (see pytorch.org)"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.cuda.init()
    except (
        RuntimeError,
        AssertionError,
    ) as error:  # torch's message: no driver, a driver that is too old, no GPU
        message = " ".join(str(error).split()).partition(". ")[0].rstrip(".")
        return f"torch reports: {message}"
    return "torch finds none on this machine"


def device_count(kind: str) -> int:
    """Number of devices of a kind."""
    if kind == "cuda":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the driver, which `why_none` reports
            return torch.cuda.device_count() if torch.cuda.is_available() else 0
    return 1 if kind == "cpu" or torch.backends.mps.is_available() else 0
