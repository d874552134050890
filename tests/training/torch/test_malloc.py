"""Memory stays with a fit while it goes on, and with nobody afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

from napari_fmri_decoder.training.torch import malloc

SCRIPT = """
import gc
import numpy as np, psutil
from napari_fmri_decoder.training.torch.malloc import freed_memory_reused

def held():
    return psutil.Process().memory_info().rss / 2**20

def blocks():
    several = [np.ones(2**24, dtype=np.uint8) for _ in range(8)]  # 128 MiB
    del several

before = held()
with freed_memory_reused():
    blocks()
    inside = held() - before
after = held() - before
print(inside, after)
"""


@pytest.mark.skipif(malloc.gnu_c_library() is None, reason="only the GNU C library can be set to keep memory")
def test_freed_blocks_are_reused_inside_and_returned_after() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    inside, after = map(float, done.stdout.split())
    assert inside > 100
    assert after < 20


def test_without_that_library_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(malloc, "gnu_c_library", lambda: None)
    monkeypatch.setattr(malloc, "set_thresholds", lambda *given: pytest.fail("nothing can be set"))
    with malloc.freed_memory_reused():
        pass
