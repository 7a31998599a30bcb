"""Which tool wrote a file, and its runs."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import IO, cast

from ..errors import ConfigurationError
from . import codecarbon, dcgm, nvidia_smi, slurm
from .asked import Asked
from .lines import LONGEST_LINE, Refused, TableRow, shown, table
from .record import Record

Read = Callable[[Sequence[str], Iterable[TableRow | Refused], str, Asked], Iterator[Record | Refused]]
FORMATS: tuple[tuple[Callable[[Sequence[str]], bool], Read], ...] = (
    (codecarbon.is_header, codecarbon.read),
    (slurm.is_header, slurm.read),
    (nvidia_smi.is_header, nvidia_smi.read),
)
"""How to know the header of each table, and how to read it."""
KNOWN = (
    "known are CodeCarbon's emissions.csv, `sacct -P` with its header, `nvidia-smi --query-gpu=timestamp,index,power.draw --format=csv`"
    " with its header, and `dcgmi dmon -e 155,156`"
)
UTF16 = (b"\xff\xfe", b"\xfe\xff")
MOST_EMPTY = 100


def lines_of(file: IO[bytes]) -> Iterator[str]:
    """The lines of a file, each cut after LONGEST_LINE characters. A file of PowerShell is in UTF-16, which its first bytes say."""
    reader = file if isinstance(file, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", file))
    encoding = "utf-16" if reader.peek(2)[:2] in UTF16 else "utf-8-sig"
    text = io.TextIOWrapper(reader, encoding=encoding, errors="replace")
    yield from iter(partial(text.readline, LONGEST_LINE + 1), "")


def read(lines: Iterable[str], source: str, asked: Asked) -> Iterator[Record | Refused]:
    """The runs of a file whose format its first line shows, and the rows that cannot be used. Raises ConfigurationError."""
    numbered = iter(lines)
    empty = 0
    first = next(numbered, "")
    while first and not first.strip() and empty < MOST_EMPTY:
        empty, first = empty + 1, next(numbered, "")
    if not first.strip():
        raise ConfigurationError(f"{source}: it is empty; {KNOWN}")
    every = chain(["\n"] * empty, [first], numbered)  # so that line numbers stay right
    if dcgm.is_log(first):
        yield from dcgm.read(every, source, asked)
        return
    if "DCGM_FI_" in first:
        raise ConfigurationError(
            f"{source}: it is what dcgm-exporter answers at one time, which is no energy; log with dcgmi dmon -e 155,156 > FILE"
        )
    if first.lstrip().startswith("#"):
        raise ConfigurationError(f"{source}: it begins with {shown(first.strip())}, which is no known format; {KNOWN}")
    columns, rows = table(every, source, "|" if "|" in first else ",")
    for is_header, reader in FORMATS:
        if is_header(columns):
            yield from reader(columns, rows, source, asked)
            return
    if first.count(";") > first.count(","):
        raise ConfigurationError(f"{source}: its cells are separated by semicolons, as a spreadsheet writes them; save it with commas")
    raise ConfigurationError(f"{source}: its first line, {shown(first.strip())}, is the header of no known format; {KNOWN}")
