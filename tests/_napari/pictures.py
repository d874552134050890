"""Pictures of the window as arrays, and the contrast of their pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def pixels(image: Any) -> NDArray[np.uint8]:
    """Red, green and blue of a QImage, (height, width, 3)."""
    image = image.convertToFormat(image.Format.Format_RGBA8888)
    bits = image.constBits()
    if hasattr(bits, "setsize"):  # PyQt; PySide gives a memoryview
        bits.setsize(image.sizeInBytes())
    rows = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return rows[:, : image.width(), :3].copy()


def luminance(rgb: NDArray[Any]) -> NDArray[np.float64]:
    """Relative luminance of sRGB colors, 0 to 255, as WCAG 2.2 defines it."""
    part = np.asarray(rgb, dtype=float) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    """Contrast ratio of each pixel of two pictures, 1 to 21."""
    a, b = luminance(one), luminance(other)
    return (np.maximum(a, b) + 0.05) / (np.minimum(a, b) + 0.05)
