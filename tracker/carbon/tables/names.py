"""PURE: the words of a device's name, and whether a board's own words are all that it says.

Drivers, PCI lists and people write one board in many ways: "NVIDIA A100-SXM4-80GB", "GA100 [A100 SXM4 80GB]", "A100 80 GB". What they add
to the words of the board is its maker, its form and its memory. Any other word makes it another board: an RTX 4090 D is no RTX 4090.
"""

from __future__ import annotations

import re
from functools import lru_cache

_REMARKS = re.compile(r"\((?:R|TM|C)\)|[®™]", re.IGNORECASE)
_LISTED = re.compile(r".*\[(.+?)\]")
"""How lists of PCI devices write a board: the chip, and the name in brackets."""
_WORD = re.compile(r"[a-z0-9+]+(?:\.[0-9]+)?")
_UNITS = re.compile(r"\b(\d+(?:\.\d+)?)\s*(?:gib|gb|g)\b")
_JOINED = re.compile(r"\b((?:rtx|gtx|tpu|gaudi|trainium|inferentia)-?)(?=[v\d])|(?<=\d\d)(?=(?:ti|super|laptop|mobile)\b)")
_PARTITION = re.compile(r"\bmig[\s-]+(?:(?P<of_these>\d+)c\.)?(?P<slices>\d+)g\.\d+gb\b.*", re.IGNORECASE)
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)gb")
_MAKERS = "nvidia amd ati intel google aws amazon habana labs apple corporation inc co ltd geforce tesla instinct radeon"
_SORTS = (
    "gpu gpus graphics accelerator card board module device chip tensor processing unit nvgpu generation gen series data center datacenter"
)
_FORMS = "pcie pci sxm sxm2 sxm3 sxm4 sxm5 sxm6 ac oam fhhl dgxs mxm n h ls lhr lite hash rate cloud cdna"
_MEMORIES = "hbm hbm2 hbm2e hbm3 hbm3e gddr5 gddr5x gddr6 gddr6x gddr7"
_ADDED = frozenset(f"{_MAKERS} {_SORTS} {_FORMS} {_MEMORIES}".split())
"""What a name adds to the words of a board without making it another one."""
_SAME = {"mobile": "laptop", "ii": "2", "gaudi2": "gaudi 2", "gaudi3": "gaudi 3"}
SAME_MEMORY = 0.1
"""Sizes of memory that differ by at most this share are one: a B200 has 192 GB, of which the driver shows 180."""


class Name(tuple[frozenset[str], float | None]):
    """The words of a name without its memory, and its memory in GB, if it says so."""

    __slots__ = ()

    @property
    def words(self) -> frozenset[str]:
        """Lower-case words."""
        return self[0]

    @property
    def memory_gb(self) -> float | None:
        """The memory that the name states."""
        return self[1]


@lru_cache(4096)
def name_of(text: str) -> Name:
    """The words of a name, whatever their case and order."""
    listed = _LISTED.match(text)
    text = text if listed is None else listed[1]
    plain = _UNITS.sub(r"\1gb", _PARTITION.sub("", _REMARKS.sub(" ", text)).lower()).replace(" with max-q design", " laptop")
    split = _JOINED.sub(lambda m: f"{m[0].rstrip('-')} ", plain)
    found = " ".join(_SAME.get(word, word) for word in _WORD.findall(split)).split()
    memory = [float(m[1]) for word in found if (m := _MEMORY.fullmatch(word))]
    return Name((frozenset(w for w in found if not _MEMORY.fullmatch(w)), memory[0] if memory else None))


def fits(board: str, memory_gb: float | None, text: str) -> bool:
    """Whether a device's name is that of a board: it has all words of `board` and adds none that matters.

    `board` may give several spellings, separated by "|". A memory that the name states must be the board's.
    """
    said = name_of(text)
    return any(_is(name_of(spelling), memory_gb, said) for spelling in board.split("|"))


def _is(board: Name, memory_gb: float | None, said: Name) -> bool:
    if not board.words <= said.words or not said.words - board.words <= _ADDED:
        return False
    if board.memory_gb is not None and said.memory_gb is None:
        return False
    known = board.memory_gb or memory_gb
    return known is None or said.memory_gb is None or abs(said.memory_gb - known) <= SAME_MEMORY * known


def detail(board: str) -> int:
    """How many words the shortest spelling of a board has: boards with more words are tried first."""
    return min(len(name.words) + (name.memory_gb is not None) for name in map(name_of, board.split("|")))


def slice_share(text: str, slices: int | None = None) -> float:
    """The share of a GPU that `slices` of NVIDIA's Multi-Instance GPU are; without them, what its name says: "A100 MIG 1g.5gb" is 1/7.

    An A30 and an RTX PRO have four slices, other GPUs seven (NVIDIA MIG User Guide, "Supported MIG Profiles"). A name without a partition
    is a whole GPU, 1.
    """
    found = _PARTITION.search(text)
    if slices is None and found is not None:
        slices = int(found["of_these"] or found["slices"])
    of = 4 if name_of(text).words & {"a30", "pro"} else 7
    return 1.0 if slices is None else min(1.0, slices / of)
