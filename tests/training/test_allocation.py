"""Memory stays with a fit while it goes on, and with nobody afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

from napari_fmri_decoder.training import allocation

SCRIPT = """
import gc
import numpy as np, psutil
from napari_fmri_decoder.training.allocation import memory_kept

def held():
    return psutil.Process().memory_info().rss / 2**20

def blocks():
    several = [np.ones(2**24, dtype=np.uint8) for _ in range(8)]  # 128 MiB
    del several

before = held()
with memory_kept():
    blocks()
    inside = held() - before
after = held() - before
print(inside, after)
"""


@pytest.mark.skipif(allocation._gnu_library() is None, reason="only the GNU C library is told to keep memory")
def test_freed_blocks_are_kept_inside_and_given_back_after() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    inside, after = map(float, done.stdout.split())
    assert inside > 100
    assert after < 20


def test_without_that_library_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation, "_gnu_library", lambda: None)
    with allocation.memory_kept():
        assert allocation._users == 0
