"""Which GPUs a run uses: those that the user names, else those that CUDA_VISIBLE_DEVICES leaves visible. Pure: text in, GPUs out.

CUDA's rules (CUDA C++ Programming Guide, "CUDA Environment Variables"): the value is a comma-separated list of indices or UUIDs. A UUID may
be shortened to a unique prefix. The first entry that is not a GPU ends the list. Unset means all GPUs, and empty means none. Indices are in
CUDA's order, fastest first, unless CUDA_DEVICE_ORDER is PCI_BUS_ID. NVML always uses the PCI order.

The guide is silent about other values. `parse` reads them as the driver does, according to PyTorch (torch.cuda, `_parse_visible_devices`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ...errors import ConfigurationError

T = TypeVar("T")
ResolveMig = Callable[[str], int | None]
"""From a MIG instance's UUID to the NVML index of its card; None if there is no such instance."""

MIG_NOTE = "whole card: MIG instances share its power"
_UUIDS = ("GPU-", "MIG-")
_NUMBER = re.compile(r"[+-]?[0-9]{1,4000}")  # Python converts no more than 4300 digits
_GUESSED_ORDER_NOTE = (
    "CUDA numbers different GPUs fastest first (guessed from compute capability). Set CUDA_DEVICE_ORDER=PCI_BUS_ID to be certain"
)


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU as NVML lists it. `compute` is its compute capability. The `uuid` is empty if the GPU cannot be opened."""

    index: int
    uuid: str
    name: str
    compute: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Choice:
    """A GPU to track, and a note if the choice needs one. `instances` are the UUIDs of its MIG instances that were chosen."""

    index: int
    note: str | None = None
    instances: tuple[str, ...] = ()


def parse(value: str) -> list[int] | list[str]:
    """The entries that CUDA takes from a value of CUDA_VISIBLE_DEVICES, in order: indices, or UUIDs and prefixes of them.

    - A value that begins with "GPU-" or "MIG-" is a list of such UUIDs; the first entry that begins otherwise ends it.
    - Any other value is a list of indices. As C's strtoul does, CUDA reads the number at the beginning of each entry and ignores what
      follows it, so "1;0", "+1" and "1 # second card" are GPU 1. The first entry without a number, or with one below 0, ends the list.
    - An entry that is repeated makes all GPUs invisible.
    """
    entries = value.split(",")
    kind = next((prefix for prefix in _UUIDS if value.startswith(prefix)), None)
    if kind is not None:
        return _until_repeated(entries, lambda entry: entry if entry.startswith(kind) else None)
    return _until_repeated(entries, _index)


def _until_repeated(entries: Sequence[str], read: Callable[[str], T | None]) -> list[T]:
    """What `read` makes of the entries before the first of which it makes None; nothing if one of them is there twice."""
    found: list[T] = []
    for entry in entries:
        one = read(entry)
        if one is None:
            break
        if one in found:
            return []
        found.append(one)
    return found


def _index(entry: str) -> int | None:
    number = _NUMBER.match(entry.strip())
    index = -1 if number is None else int(number[0])
    return index if index >= 0 else None


def hides_all(environ: Mapping[str, str]) -> bool:
    """Whether CUDA_VISIBLE_DEVICES hides every GPU, no matter what the machine has."""
    value = environ.get("CUDA_VISIBLE_DEVICES")
    return value is not None and not parse(value)


def visible(environ: Mapping[str, str], gpus: Sequence[Gpu], resolve_mig: ResolveMig) -> list[Choice]:
    """The GPUs that CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER in `environ` leave visible, each once, in the order of the list."""
    value = environ.get("CUDA_VISIBLE_DEVICES")
    if value is None:
        return [Choice(gpu.index) for gpu in gpus]
    ordered, order_note = _cuda_order(environ.get("CUDA_DEVICE_ORDER", ""), gpus)
    chosen: dict[int, Choice] = {}
    for entry in parse(value):  # as in CUDA, everything after the first entry that is no GPU is invisible
        if isinstance(entry, int):
            choice = Choice(ordered[entry].index, order_note) if entry < len(ordered) else None
        else:
            choice = _by_uuid(entry, gpus, resolve_mig, any_case=False)
        if choice is None:
            break
        if choice.index in chosen and choice.note != MIG_NOTE:  # two prefixes of one UUID; two MIG instances of a card are two devices
            return []
        _add(chosen, choice)
    return list(chosen.values())


def _add(chosen: dict[int, Choice], choice: Choice) -> None:
    """Add a choice; of a card that is chosen already, its further MIG instances."""
    before = chosen.get(choice.index)
    if before is None:
        chosen[choice.index] = choice
    elif before.instances and choice.instances:
        chosen[choice.index] = replace(before, instances=tuple(dict.fromkeys(before.instances + choice.instances)))
    elif before.instances:  # the whole card was asked for, too
        chosen[choice.index] = choice


def requested(wanted: Sequence[int | str], gpus: Sequence[Gpu], resolve_mig: ResolveMig) -> list[Choice]:
    """The GPUs that `wanted` names by NVML index or by UUID, each once.

    Raises ConfigurationError if a GPU does not exist or the name is ambiguous.
    """
    chosen: dict[int, Choice] = {}
    for entry in wanted:
        text = str(entry).strip()
        choice = Choice(int(text)) if text.isdecimal() else _by_uuid(text, gpus, resolve_mig)
        if choice is None or choice.index not in {gpu.index for gpu in gpus}:
            there = ", ".join(f"{gpu.index} ({gpu.name}, {gpu.uuid})" for gpu in gpus) or "none"
            raise ConfigurationError(
                f"gpus: there is no GPU {entry!r} here, or more than one; there are: {there}. "
                "Name indices as nvidia-smi shows them, or UUIDs, or remove gpus to track what CUDA_VISIBLE_DEVICES leaves visible."
            )
        _add(chosen, choice)
    return list(chosen.values())


def _cuda_order(order: str, gpus: Sequence[Gpu]) -> tuple[Sequence[Gpu], str | None]:
    if order == "PCI_BUS_ID" or len({gpu.name for gpu in gpus if gpu.uuid}) <= 1:
        return gpus, None
    return sorted(gpus, key=lambda gpu: (-gpu.compute[0], -gpu.compute[1], gpu.index)), _GUESSED_ORDER_NOTE


def _by_uuid(entry: str, gpus: Sequence[Gpu], resolve_mig: ResolveMig, *, any_case: bool = True) -> Choice | None:
    """The GPU that a UUID, a prefix of one or a MIG instance names; None if there is none, or more than one. CUDA distinguishes upper and
    lower case, so that `any_case` is false for its variable."""
    name = entry.upper() if any_case else entry
    if name.startswith("MIG-GPU-"):  # the older form, MIG-GPU-<uuid>/<GPU instance>/<compute instance>
        card = _by_prefix(entry[len("MIG-") :].partition("/")[0], gpus, any_case)
        return None if card is None else Choice(card, MIG_NOTE, (entry,))
    if name.startswith("MIG-"):
        index = resolve_mig(entry)
        return None if index is None else Choice(index, MIG_NOTE, (entry,))
    index = _by_prefix(entry, gpus, any_case)
    return None if index is None else Choice(index)


def _by_prefix(prefix: str, gpus: Sequence[Gpu], any_case: bool) -> int | None:
    if not prefix:
        return None
    fold = str.lower if any_case else str
    matches = [gpu.index for gpu in gpus if fold(gpu.uuid).startswith(fold(prefix))]
    return matches[0] if len(matches) == 1 else None
