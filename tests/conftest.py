"""Fixtures that every floor shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("FMRI_DECODER_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))


@pytest.fixture(scope="session")
def haxby() -> Path:
    """Folder of the real fMRI that is not part of this repository."""
    folder = (DATA / "haxby_slice").resolve()
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}; set FMRI_DECODER_DATA to its parent folder")
    return folder
