"""Runs of these tests draw no pictures: tests/evaluation draws each of them, and a run of test_run all."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes most of the time of a small run. Fixtures of a module still draw."""
    monkeypatch.setattr("napari_fmri_decoder.pipeline.folder.run_figures", lambda *args, **options: {})
