"""PURE: the boards in a log of power, and the run that they make."""

from __future__ import annotations

from typing import NamedTuple

from ..core.run import NO_HOST, Origin
from ..core.units import NS_PER_S
from ..errors import ConfigurationError
from .asked import Asked
from .codecarbon import GAIN, OFFSET_W
from .power import PowerLog
from .record import Part, Piece, Record

MOST_BOARDS = 1_024
MOST_W = 10_000.0
"""The power above which a reading of one board is not believed."""


class Board(NamedTuple):
    """A board of a log: its readings, and what the log says of it."""

    log: PowerLog
    name: str
    model: str | None
    uuid: str | None


class Boards:
    """The boards of a log, in the order in which they appear. All curves begin with the first reading of the log."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._boards: dict[str, Board] = {}
        self.start_ns: int | None = None

    def missing(self, key: str, name: str, model: str | None = None, uuid: str | None = None) -> None:
        """A board of the log whose reading has no value."""
        if key not in self._boards and len(self._boards) < MOST_BOARDS:
            self._boards[key] = Board(PowerLog(self.start_ns or 0), name, model, uuid)

    def of(self, key: str, t_ns: int, name: str, model: str | None = None, uuid: str | None = None) -> PowerLog:
        """The readings of the board that the log calls `key`. Raises ConfigurationError."""
        if self.start_ns is None:
            self.start_ns = t_ns
            self._boards = {known: board._replace(log=PowerLog(t_ns)) for known, board in self._boards.items()}
        board = self._boards.get(key)
        if board is None:
            if len(self._boards) >= MOST_BOARDS:
                raise ConfigurationError(f"{self._source}: it has more than {MOST_BOARDS:,} GPUs; name a log of one job")
            board = self._boards[key] = Board(PowerLog(self.start_ns), name, model, uuid)
        return board.log

    def record(
        self, tool: str, identity: tuple[str, ...], started_utc_ns: int, asked: Asked, notes: tuple[str, ...], missing: int
    ) -> Record:
        """The run. `missing` readings had no value. Raises ConfigurationError if nothing can be integrated."""
        parts: list[Part] = []
        unread: list[Part] = []
        for board in self._boards.values():
            points, covered_ns = board.log.finish()
            if not points:
                why = f"{board.log.readings:,} readings of {tool} have a value, and an energy needs two"
                unread.append(Part(board.name, "gpu", (), why, 0, board.model, board.uuid))
            else:
                note = f"{board.log.readings:,} readings of {tool}"
                parts.append(
                    Part(
                        board.name, "gpu", points, note, covered_ns, board.model, board.uuid,
                        gain=GAIN, gain_class="gpu", offset_w=OFFSET_W, update_period_ns=board.log.usual_ns,
                    )
                )  # fmt: skip
        if not parts:
            why = f"{missing:,} readings have no value" if missing else "no GPU has two readings"
            raise ConfigurationError(f"{self._source}: there is no energy in it: {why}; log the power again, for longer than one interval")
        if missing:
            notes = (
                *notes,
                f"{missing:,} readings have no value: the energy of such a time is imputed, if there are readings before and after",
            )
        if unread:
            names = ", ".join(part.name for part in unread)
            notes = (*notes, f"the energy is a lower bound without {names}, whose power is not in the log")
        last_ns = max(part.points[-1].t_ns for part in parts)
        usual_ns = [part.update_period_ns for part in parts if part.update_period_ns]
        return Record(
            identity=identity,
            origin=Origin.IMPORTED,
            source=tool,
            project=asked.project or "imported",
            started_utc_ns=started_utc_ns,
            duration_s=last_ns / NS_PER_S,
            host=NO_HOST,
            parts=(*parts, *unread),
            hardware=tuple(Piece("gpu", part.name, {"model": part.model}) for part in parts if part.model),
            name=asked.name or asked.fallback_name,
            group=asked.group,
            stage=asked.stage,
            zone=asked.zone,
            samples=sum(board.log.readings for board in self._boards.values()),
            period_s=max(usual_ns, default=0) / NS_PER_S,
            notes=notes,
        )
