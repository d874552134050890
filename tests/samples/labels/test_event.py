"""Operations on the times of events."""

from __future__ import annotations

from napari_fmri_decoder.samples.labels.event import Event, fill_gaps


def test_gaps_are_filled_within_blocks_only():
    events = [Event(t, 0.5, "a") for t in (0.0, 2.0, 4.0, 20.0)] + [
        Event(22.0, 0.5, "b"),
        Event(24.0, 0.5, "a"),
    ]
    spans, filled = fill_gaps(events, 1.5)
    assert filled == 2
    assert [(span.onset, span.duration) for span in spans] == [(0, 4.5), (20, 0.5), (22, 0.5), (24, 0.5)]
    assert fill_gaps(events, 1.4)[1] == 0
