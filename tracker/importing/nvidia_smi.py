"""Logs of `nvidia-smi --query-gpu=timestamp,power.draw --format=csv -l 1`, with any other columns. One log is one run.

A log with several GPUs names them by uuid, index or bus. Without such a column, GPUs are told apart if they come in rounds: a query writes
a line for each GPU, and then waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from ..errors import ConfigurationError
from .asked import Asked
from .boards import MOST_W, Boards
from .lines import Refused, RowError, TableRow, is_missing, number, shown, utc_ns
from .record import Record

TOOL = "nvidia-smi"
POWERS = ("power.draw.average", "power.draw", "power.draw.instant")
"""The columns of power, preferred first: the mean of a time says more of it than an instant."""
IDENTITIES = ("uuid", "gpu_uuid", "index", "pci.bus_id", "gpu_bus_id", "serial", "gpu_serial")
MODELS = ("name", "gpu_name")
LOOKED_AT = 512
"""So many rows are looked at to tell GPUs without a name apart."""
MOST_IN_ROUND = 32
WITHIN = 0.2
"""A round takes at most this share of the time to the next one."""


def is_header(columns: Sequence[str]) -> bool:
    """Whether these are columns of nvidia-smi."""
    return any(_base(name).startswith("power.draw") for name in columns)


def read(columns: Sequence[str], rows: Iterable[TableRow | Refused], source: str, asked: Asked) -> Iterator[Record | Refused]:
    """The run of a log. Raises ConfigurationError if columns are missing, or if the times do not rise."""
    by_base = {_base(name): name for name in columns}
    power = next((name for name in POWERS if name in by_base), None)
    if "timestamp" not in by_base or power is None:
        raise ConfigurationError(
            f"{source}: a log of nvidia-smi without the column {'power.draw' if power is None else 'timestamp'}; log with"
            " nvidia-smi --query-gpu=timestamp,index,uuid,name,power.draw --format=csv -l 1"
        )
    unit = by_base[power].partition("[")[2].strip(" ]") or "W"
    if unit != "W":
        raise ConfigurationError(f"{source}: {shown(by_base[power])} is not in W; log power.draw as nvidia-smi writes it")
    key = next((by_base[name] for name in IDENTITIES if name in by_base), None)
    read_rows = iter(rows)
    looked = [row for _, row in zip(range(LOOKED_AT), read_rows, strict=False)]
    in_round = 1 if key is not None else _in_round([row for row in looked if isinstance(row, TableRow)], by_base["timestamp"])
    boards, missing, seen, identity = Boards(source), 0, 0, ""
    units = any(row.cells[by_base[power]].endswith("W") for row in looked if isinstance(row, TableRow))
    for row in chain(looked, read_rows):
        if isinstance(row, Refused):
            yield row
            continue
        identity = identity or "\0".join(row.cells.values())
        board = row.cells[key] if key is not None else str(seen % in_round)
        seen += 1
        try:
            watts = _watts(row, by_base[power], units)
            if watts is None:
                missing += 1
                boards.missing(board, *_about(row, by_base, board))
                continue
            text = row.cells[by_base["timestamp"]]
            log = boards.of(board, t_ns := utc_ns(text, f"line {row.line}: timestamp"), *_about(row, by_base, board))
            last_ns = log.last_ns
            if last_ns is not None and t_ns < last_ns:
                t_ns = utc_ns(text, f"line {row.line}: timestamp", last_ns)
                if t_ns < last_ns:
                    raise ConfigurationError(
                        f"{source}, line {row.line}: timestamp {shown(text)} is before that of the line above it: two logs in one file, or"
                        " several GPUs without a name; give each log a file of its own, and add index to --query-gpu"
                    )
            if last_ns is None or t_ns > last_ns:
                log.add(t_ns, watts)
        except RowError as error:
            yield Refused(f"{source}, {error}")
    notes = (f"the log does not name GPUs: they were told apart by their order, {in_round} in a round",) if in_round > 1 else ()
    yield boards.record(TOOL, ("nvidia-smi", identity), boards.start_ns or 0, asked, notes, missing)


def _base(column: str) -> str:
    """The name of a column without its unit: "power.draw" of "power.draw [W]"."""
    return column.partition("[")[0].strip().lower()


def _watts(row: TableRow, column: str, units: bool) -> float | None:
    text = row.cells[column].strip()
    if is_missing(text):
        return None
    if units and not text.endswith("W"):
        raise RowError(f"line {row.line}: {column} {shown(text)}: it was cut off before its unit; leave the row out")
    return number(text.removesuffix("W").strip(), f"line {row.line}: {column}", 0.0, MOST_W, "W")


def _about(row: TableRow, by_base: Mapping[str, str], board: str) -> tuple[str, str | None, str | None]:
    """The name, model and uuid of a board."""

    def cell(*bases: str) -> str | None:
        return row.text(*(by_base[base] for base in bases if base in by_base))

    index, uuid = cell("index"), cell("uuid", "gpu_uuid")
    name = f"gpu{index}" if index is not None else f"gpu{board}" if board.isdecimal() else board
    return name, cell(*MODELS), uuid


def _in_round(rows: Sequence[TableRow], column: str) -> int:
    """How many GPUs there are, if their lines come in rounds: the smallest number for which each round is short against its period."""
    try:
        times = [utc_ns(row.cells[column], column) for row in rows]
    except RowError:
        return 1
    for size in range(2, MOST_IN_ROUND + 1):
        starts = range(0, len(times) - size, size)
        rounds = [(times[i + size - 1] - times[i], times[i + size] - times[i]) for i in starts]
        if rounds and all(0 <= took <= WITHIN * period and period > 0 for took, period in rounds):
            return size
    return 1
