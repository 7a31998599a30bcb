"""From the monotonic clock to UTC, over a wall clock that is set meanwhile."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.core.clock import Anchor
from trainwatt.core.timeline import Span, Timeline

ANCHORS = st.lists(
    st.builds(Anchor, st.integers(0, 10**6), st.integers(10**9, 2 * 10**9), st.just(0)),
    min_size=1,
    max_size=6,
    unique_by=lambda a: a.monotonic_ns,
)


def test_an_anchor_holds_until_the_next_and_the_first_before_it_too() -> None:
    timeline = Timeline([Anchor(100, 1_000, 0), Anchor(200, 1_500, 0)])
    assert [timeline.utc_ns(t) for t in (50, 100, 199, 200, 300)] == [950, 1_000, 1_099, 1_500, 1_600]
    assert list(timeline.spans(50, 300)) == [Span(50, 200, 900), Span(200, 300, 1_300)]


def test_a_segment_without_anchors_has_its_start() -> None:
    with pytest.raises(ValueError, match="anchor"):
        Timeline([])
    assert Timeline.of_segment([], 10, 1_000).utc_ns(15) == 1_005


def test_anchors_that_agree_make_one_span() -> None:
    assert list(Timeline([Anchor(0, 1_000, 0), Anchor(50, 1_050, 0)]).spans(0, 100)) == [Span(0, 100, 1_000)]


@given(ANCHORS, st.integers(0, 10**6), st.integers(1, 10**6))
def test_spans_are_whole_and_agree_with_each_instant(anchors: list[Anchor], start_ns: int, length_ns: int) -> None:
    timeline, end_ns = Timeline(anchors), start_ns + length_ns
    spans = list(timeline.spans(start_ns, end_ns))
    assert (spans[0].start_ns, spans[-1].end_ns) == (start_ns, end_ns)
    assert all(a.end_ns == b.start_ns for a, b in pairwise(spans))
    for span in spans:
        for t_ns in (span.start_ns, span.end_ns - 1):
            assert timeline.utc_ns(t_ns) == t_ns + span.offset_ns


def test_drift_begins_no_new_span_and_a_step_does() -> None:
    anchors = [Anchor(0, 1_000, 0), Anchor(100, 1_101, 0), Anchor(200, 1_202, 0), Anchor(300, 1_402, 0)]
    spans = list(Timeline(anchors).spans(0, 400, drift_ns=1))
    assert spans == [Span(0, 300, 1_002), Span(300, 400, 1_102)]
