"""Logs of `dcgmi dmon -e 155,156`: the power (155) and the total energy (156) of each GPU. One log is one run.

dmon writes no times. It writes a round of lines every `-d` milliseconds, 1,000 unless told otherwise. Lines may begin with a time that
another program put there, such as `ts` of moreutils. Where the total energy is in the log, it gives the energy, and times matter little.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..core.units import NS_PER_S
from ..errors import ConfigurationError
from .asked import Asked
from .boards import MOST_W, Boards
from .lines import LONGEST_LINE, Refused, RowError, is_missing, number, utc_ns
from .record import Record

TOOL = "dcgmi dmon"
ENTITIES = ("GPU",)
EVERY_S = 1.0
MOST_MJ = 1e17


def is_log(line: str) -> bool:
    """Whether a file that begins with this line is a log of dmon."""
    return "#" in line and "entity" in line.lower()


def read(lines: Iterable[str], source: str, asked: Asked) -> Iterator[Record | Refused]:
    """The run of a log. Raises ConfigurationError if neither power nor energy is in it."""
    columns: list[str] = []
    boards, missing, timed, identity = Boards(source), 0, False, ""
    rounds: dict[str, int] = {}
    counters: dict[str, float] = {}
    every_ns = round((asked.every_s or EVERY_S) * NS_PER_S)
    for line_number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE:
            raise ConfigurationError(
                f"{source}, line {line_number}: it has more than {LONGEST_LINE:,} characters; name a log of dcgmi dmon"
            )
        if is_log(line):
            columns = _columns(line)
            if not {"POWER", "TOTEC"} & set(columns):
                raise ConfigurationError(
                    f"{source}, line {line_number}: it has neither POWER nor TOTEC, only {', '.join(columns[:8]) or 'no columns'}; log with"
                    " dcgmi dmon -e 155,156"
                )
            continue
        words = line.split()
        at = next((i for i, word in enumerate(words[:4]) if word in ENTITIES), None)
        if at is None or not columns:
            continue  # the line of units, an empty line, or another kind of entity
        identity = identity or line.strip()
        try:
            board, values = words[at + 1], words[at + 2 :]
            if len(values) < len(columns):
                raise RowError(f"line {line_number}: it has {len(values)} values for {len(columns)} columns; it was cut off")
            cells = dict(zip(columns, values, strict=False))
            place = rounds[board] = rounds.get(board, -1) + 1
            if at:
                t_ns, timed = utc_ns(" ".join(words[:at]), f"line {line_number}: time"), True
            else:
                t_ns = place * every_ns
            watts, joules = _reading(cells, line_number)
            if watts is None and joules is None:
                missing += 1
                boards.missing(board, f"gpu{board}")
                continue
            if joules is not None and joules < counters.get(board, 0.0):
                raise ConfigurationError(
                    f"{source}, line {line_number}: TOTEC of GPU {board} is less than before: the driver was loaded again; split the log"
                )
            counters[board] = joules if joules is not None else counters.get(board, 0.0)
            log = boards.of(board, t_ns, f"gpu{board}")
            if log.last_ns is not None and t_ns <= log.last_ns:
                raise RowError(f"line {line_number}: its time is not after that of the line before of GPU {board}")
            log.add(t_ns, watts or 0.0, joules)
        except RowError as error:
            yield Refused(f"{source}, {error}")
        except IndexError:
            yield Refused(f"{source}, line {line_number}: it was cut off")
    notes: tuple[str, ...] = ()
    if timed:
        started_utc_ns = boards.start_ns or 0
    else:
        lasted_ns = max(rounds.values(), default=0) * every_ns
        started_utc_ns = asked.now_utc_ns - lasted_ns if asked.started_utc_ns is None else asked.started_utc_ns
        if asked.every_s is None:
            notes = (f"the log has no times: lines are taken to be {EVERY_S:g} s apart, as dmon writes them; --every says otherwise",)
        if asked.started_utc_ns is None:
            notes = (*notes, "the log is taken to have ended at the time of this import; --started says when it began")
    yield boards.record(TOOL, ("dcgm", identity), started_utc_ns, asked, notes, missing)


def _columns(line: str) -> list[str]:
    """The names of the values: what stands behind "Entity"."""
    words = line.replace("#", " ").split()
    at = next(i for i, word in enumerate(words) if word.lower() == "entity")
    return [word.upper() for word in words[at + 1 :]]


def _reading(cells: dict[str, str], line_number: int) -> tuple[float | None, float | None]:
    """The power in watts, and the total energy in joules; each None if the line does not have it."""
    power, total = cells.get("POWER", ""), cells.get("TOTEC", "")
    watts = None if is_missing(power) else number(power, f"line {line_number}: POWER", 0.0, MOST_W, "W")
    joules = None if is_missing(total) else number(total, f"line {line_number}: TOTEC", 0.0, MOST_MJ, "mJ") / 1000
    return watts, joules
