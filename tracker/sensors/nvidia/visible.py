"""Which GPUs a run uses: those that the user names, else those that CUDA_VISIBLE_DEVICES leaves visible. Pure: text in, GPUs out.

CUDA's rules (CUDA C++ Programming Guide, "CUDA Environment Variables"): the value is a comma-separated list of indices or UUIDs. A UUID may
be shortened to a unique prefix. The first entry that is not a GPU ends the list. Unset means all GPUs, and empty means none. Indices are in
CUDA's order, fastest first, unless CUDA_DEVICE_ORDER is PCI_BUS_ID. NVML always uses the PCI order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...errors import ConfigurationError

ResolveMig = Callable[[str], int | None]
"""From a MIG instance's UUID to the NVML index of its card; None if there is no such instance."""

MIG_NOTE = "whole card: MIG instances share its power"
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
    """A GPU to track, and a note if the choice needs one."""

    index: int
    note: str | None = None


def hides_all(environ: Mapping[str, str]) -> bool:
    """Whether CUDA_VISIBLE_DEVICES hides every GPU, no matter what the machine has."""
    value = environ.get("CUDA_VISIBLE_DEVICES")
    if value is None:
        return False
    first = value.split(",")[0].strip()
    return not first.isdigit() and not first.upper().startswith(("GPU-", "MIG-"))


def visible(environ: Mapping[str, str], gpus: Sequence[Gpu], resolve_mig: ResolveMig) -> list[Choice]:
    """The GPUs that CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER in `environ` leave visible, each once, in the order of the list."""
    value = environ.get("CUDA_VISIBLE_DEVICES")
    if value is None:
        return [Choice(gpu.index) for gpu in gpus]
    ordered, order_note = _cuda_order(environ.get("CUDA_DEVICE_ORDER", ""), gpus)
    chosen: dict[int, Choice] = {}
    for entry in (part.strip() for part in value.split(",")):
        if entry.isdigit() and int(entry) < len(ordered):
            choice = Choice(ordered[int(entry)].index, order_note)
        elif not entry.isdigit() and (by_uuid := _by_uuid(entry, gpus, resolve_mig)) is not None:
            choice = by_uuid
        else:
            break  # as in CUDA, everything after the first invalid entry is invisible
        chosen.setdefault(choice.index, choice)
    return list(chosen.values())


def requested(wanted: Sequence[int | str], gpus: Sequence[Gpu], resolve_mig: ResolveMig) -> list[Choice]:
    """The GPUs that `wanted` names by NVML index or by UUID, each once.

    Raises ConfigurationError if a GPU does not exist or the name is ambiguous.
    """
    chosen: dict[int, Choice] = {}
    for entry in wanted:
        text = str(entry).strip()
        choice = Choice(int(text)) if text.isdigit() else _by_uuid(text, gpus, resolve_mig)
        if choice is None or choice.index not in {gpu.index for gpu in gpus}:
            there = ", ".join(f"{gpu.index} ({gpu.name}, {gpu.uuid})" for gpu in gpus) or "none"
            raise ConfigurationError(
                f"gpus: there is no GPU {entry!r} here, or more than one; there are: {there}. "
                "Name indices as nvidia-smi shows them, or UUIDs, or remove gpus to track what CUDA_VISIBLE_DEVICES leaves visible."
            )
        chosen.setdefault(choice.index, choice)
    return list(chosen.values())


def _cuda_order(order: str, gpus: Sequence[Gpu]) -> tuple[Sequence[Gpu], str | None]:
    if order == "PCI_BUS_ID" or len({gpu.name for gpu in gpus if gpu.uuid}) <= 1:
        return gpus, None
    return sorted(gpus, key=lambda gpu: (-gpu.compute[0], -gpu.compute[1], gpu.index)), _GUESSED_ORDER_NOTE


def _by_uuid(entry: str, gpus: Sequence[Gpu], resolve_mig: ResolveMig) -> Choice | None:
    if entry.upper().startswith("MIG-GPU-"):  # the older form, MIG-GPU-<uuid>/<GPU instance>/<compute instance>
        card = _by_prefix(entry[len("MIG-") :].partition("/")[0], gpus)
        return None if card is None else Choice(card, MIG_NOTE)
    if entry.upper().startswith("MIG-"):
        index = resolve_mig(entry)
        return None if index is None else Choice(index, MIG_NOTE)
    index = _by_prefix(entry, gpus)
    return None if index is None else Choice(index)


def _by_prefix(prefix: str, gpus: Sequence[Gpu]) -> int | None:
    if not prefix:
        return None
    matches = [gpu.index for gpu in gpus if gpu.uuid.lower().startswith(prefix.lower())]
    return matches[0] if len(matches) == 1 else None
