"""PURE: which devices of two runs correspond to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .side import Place

if TYPE_CHECKING:
    from ...core.contract import ShowJson


class Slot(NamedTuple):
    """A device of a comparison. `base` and `own` are its places in the baseline and in the other run; None if the run has none."""

    name: str
    base: Place | None
    own: Place | None


def slots(base: ShowJson, other: ShowJson) -> list[Slot]:
    """The devices of the baseline by name; then the devices that only the other run has.

    Devices are matched by host, in order of the hosts' names, and by name; the remaining ones by kind and order, as gpu0 and gpu2.
    """
    hosts = max(len(_hosts(base)), len(_hosts(other)))
    mine, theirs = _places(base), _places(other)
    pairs: dict[tuple[int, str], tuple[int, str] | None] = {key: key if key in theirs else None for key in mine}
    left = [key for key in theirs if key not in mine]
    for key, met in list(pairs.items()):
        fits = [] if met else [k for k in left if k[0] == key[0] and theirs[k][1] == mine[key][1]]
        if fits:
            pairs[key] = fits[0]
            left.remove(fits[0])

    def name(key: tuple[int, str]) -> str:
        return f"{key[1]} of host {key[0] + 1}" if hosts > 1 else key[1]

    found = [Slot(name(k), mine[k][0], theirs[m][0] if m else None) for k, m in pairs.items()]
    return found + [Slot(name(k), None, theirs[k][0]) for k in left]


def _hosts(view: ShowJson) -> list[str]:
    return sorted({d["host"] for d in view["energy"]["devices"]})


def _places(view: ShowJson) -> dict[tuple[int, str], tuple[Place, str]]:
    """From the number of the host and the name of the device to its place and its kind."""
    number = {host: i for i, host in enumerate(_hosts(view))}
    return {(number[d["host"]], d["device"]): ((d["host"], d["device"]), d["kind"]) for d in view["energy"]["devices"]}
