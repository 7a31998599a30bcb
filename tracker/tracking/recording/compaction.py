"""What a commit does to keep a long run small: it thins the curves and folds the phases, from time to time."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator

from ...core.clock import Anchor
from ...energy.thinning import Plan, Thinning
from ...errors import StoreError
from ...storage.write import compact
from ...storage.write.statements import Statement
from ...storage.write.writer import Writer
from ..activity.log import ActivityLog

log = logging.getLogger("trainwatt")

MOST_OF_A_NAME = 10_000
"""The most rows of one phase name in one segment that are kept one by one, for its newest instances: every reader adds them up."""
MOST_OF_ALL = 20_000
"""The same for all phases of a segment."""
LOOK_AFTER = 500
"""The instances of a segment are counted again after this many new ones."""
ANCHORS_AT_ONCE = 200


def instances(rows: int, devices: int) -> int:
    """How many instances of phases have `rows` rows: each has one row, and one more for each device."""
    return rows // (1 + devices)


class Compaction:
    """Thins the curves of one segment, and folds the phases whose energy this process has computed."""

    def __init__(self, writer: Writer, segment_id: str, start_ns: int, activity: ActivityLog) -> None:
        """`start_ns` is before the first point."""
        self._activity = activity
        self._writer = writer
        self._segment_id = segment_id
        self._thinning = Thinning(start_ns)
        self._plan: Plan | None = None

    def statements(self, now_ns: int, devices: Collection[str], settled: dict[str, int]) -> list[Statement]:
        """What to do in the next commit, in its transaction; then call `done`. Nothing this time if the database does not answer.

        `settled` counts new instances by segment. A segment that is looked at is removed from it.
        """
        self._plan = None
        try:
            return [*self._thin(now_ns, devices), *self._fold(len(devices), settled), *self._activity.thinned(now_ns)]
        except Exception as error:
            self._plan = None
            if not isinstance(error, StoreError):
                raise
            log.debug("trainwatt: thinning is put off: %s", error)
            return []

    def done(self) -> None:
        """The statements were carried out."""
        self._activity.done()
        if self._plan is not None:
            self._thinning.thinned_ns = self._plan.until_ns

    def _thin(self, now_ns: int, devices: Iterable[str]) -> Iterator[Statement]:
        if not self._thinning.due(now_ns):
            return
        found = self._writer.query(*compact.anchors_from(self._segment_id, self._thinning.thinned_ns, ANCHORS_AT_ONCE))
        self._plan = plan = self._thinning.plan([Anchor(*row) for row in found], now_ns)
        if plan is not None:
            for device in devices:
                yield from (compact.thin(self._segment_id, device, a, b) for a, b in plan.spans)
            yield from (compact.drop_anchor(self._segment_id, t_ns) for t_ns in plan.spare_ns)

    def _fold(self, devices: int, settled: dict[str, int]) -> Iterator[Statement]:
        of_a_name, of_all = instances(MOST_OF_A_NAME, devices), instances(MOST_OF_ALL, devices)
        for segment_id in [s for s, n in settled.items() if n >= LOOK_AFTER]:
            counts = dict(self._writer.query(*compact.kept(segment_id)))
            too_many: list[tuple[str | None, int]] = [(name, of_a_name) for name, n in counts.items() if n > of_a_name]
            if sum(min(n, of_a_name) for n in counts.values()) > of_all:
                too_many = [(None, of_all)]  # by name at the next count, if still needed
            for name, leave in too_many:
                for (seq,) in self._writer.query(*compact.newest_to_fold(segment_id, name, leave)):
                    yield from compact.fold(segment_id, name, seq)
            settled.pop(segment_id)
