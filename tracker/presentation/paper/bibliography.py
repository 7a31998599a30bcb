"""PURE: the works that the text of a source cites, as BibTeX entries and as a numbered list.

A source is free text from the bundled tables or a user's own hardware file: "Ember, Yearly Electricity Data (https://…), read through X;
a remark". Each part with an address or an arXiv number is a work; a text without any of them is one work. Author, title and year are taken
from the text if it shows them, and otherwise left out.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..._version import __version__
from ..words.safe_text import address, clipped, tex

_ARXIV = re.compile(r"arXiv:\s?(\d{4}\.\d{4,5})(v\d+)?", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s,;()<>\"'{}\\]+|\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|gov|eu|edu)/[^\s,;()<>\"'{}\\]+", re.IGNORECASE)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_ET_AL = re.compile(r"^(?P<who>[^\d,;:()]{1,60}?) et al\.?,? \(?(?P<year>(?:19|20)\d\d)\)?[,.:]?\s*(?P<title>.*)$")
_ORGANISATION = re.compile(r"^(?P<who>[^,:()]{2,60}), (?P<title>[A-Z]\S* .+)$")
_KEY_WORDS = 5
LONGEST = 400
"""Characters of a source that are read; the longest bundled source has 262."""


class Reference(NamedTuple):
    """A cited work. `identity` is the same for the same work, even if the words of the source differ. `fields` are plain text, in the order
    of printing; "author" has the form of BibTeX ("Falk and others") or is the name of an organisation."""

    identity: str
    key: str
    kind: str
    fields: tuple[tuple[str, str], ...]

    def field(self, name: str) -> str:
        """The field, "" if there is none."""
        return dict(self.fields).get(name, "")


def _paper(number: str, key: str, author: str, title: str, year: str, *more: tuple[str, str], kind: str = "misc") -> Reference:
    fields = (("author", author), ("title", title), *more, ("year", year), ("eprint", number), ("archiveprefix", "arXiv"))
    return Reference(f"arxiv:{number}", key, kind, (*fields, ("url", f"https://arxiv.org/abs/{number}")))


WU = _paper(
    "2111.00364", "wu2022sustainable", "Wu, Carole-Jean and Raghavendra, Ramya and Gupta, Udit and others",
    "Sustainable AI: Environmental Implications, Challenges and Opportunities", "2022",
    ("booktitle", "Proceedings of Machine Learning and Systems (MLSys)"), ("volume", "4"), ("pages", "795–813"), kind="inproceedings",
)  # fmt: skip
SOFTWARE = Reference(
    "trainwatt", "trainwatt", "misc",
    (
        ("author", "the trainwatt developers"),
        ("title", "trainwatt: a live energy and carbon tracker for training runs"),
        ("version", __version__),
    ),
)  # fmt: skip
SCI = Reference(
    "iso:21031", "iso21031", "misc",
    (
        ("author", "International Organization for Standardization"),
        ("title", "ISO/IEC 21031:2024, Software Carbon Intensity (SCI) specification"),
        ("year", "2024"),
    ),
)  # fmt: skip
SCOPE_2 = Reference(
    "ghgp:scope2", "ghgprotocol2015scope2", "misc",
    (
        ("author", "World Resources Institute"),
        ("title", "GHG Protocol Scope 2 Guidance"),
        ("year", "2015"),
        ("url", "https://ghgprotocol.org/scope-2-guidance"),
    ),
)  # fmt: skip
SERVICES = {
    "uk": Reference(
        "carbonintensity.org.uk", "carbonintensityuk", "misc",
        (("author", "National Energy System Operator"), ("title", "Carbon Intensity API (Great Britain)"), ("url", "https://carbonintensity.org.uk")),
    ),
    "electricitymaps": Reference(
        "electricitymaps.com", "electricitymaps", "misc",
        (("author", "Electricity Maps"), ("title", "Electricity Maps API"), ("url", "https://www.electricitymaps.com")),
    ),
}  # fmt: skip
"""Live providers of intensities, by the `name` of the provider."""
_PUBLISHERS = {
    "images.nvidia.com/": "NVIDIA",
    "github.com/facebookresearch/": "Meta Research",
    "github.com/cloud-carbon-footprint/": "Cloud Carbon Footprint",
    "github.com/boavizta/": "Boavizta",
    "github.com/genai-impact/": "GenAI Impact",
    "github.com/googlecloudplatform/": "Google Cloud",
    "sustainability.aboutamazon.com/": "Amazon Web Services",
    "datacenters.microsoft.com/": "Microsoft",
    "corporate.ovhcloud.com/": "OVHcloud",
    "epa.gov/": "United States Environmental Protection Agency",
    "ourworldindata.org/": "Our World in Data",
}
"""Who publishes at an address, for a source whose text does not say so."""
_KNOWN = {
    reference.identity: reference
    for reference in (
        WU,
        _paper(
            "2211.02001", "luccioni2022estimating", "Luccioni, Alexandra Sasha and Viguier, Sylvain and Ligozat, Anne-Laure",
            "Estimating the Carbon Footprint of BLOOM, a 176B Parameter Language Model", "2022",
        ),
        _paper(
            "2509.00093", "falk2025more", "Falk, Sophia and Ekchajzer, David and Pirson, Thibault and others",
            "More than Carbon: Cradle-to-Grave environmental impacts of GenAI training on the Nvidia A100 GPU", "2025",
        ),
        _paper(
            "2502.01671", "schneider2025life", "Schneider, Ian and Xu, Hui and Benecke, Stephan and others",
            "Life-Cycle Emissions of AI Hardware: A Cradle-To-Grave Approach and Generational Trends", "2025",
        ),
        _paper(
            "2508.15734", "elsworth2025measuring", "Elsworth, Cooper and Huang, Keguo and Patterson, David and others",
            "Measuring the environmental impact of delivering AI at Google Scale", "2025",
        ),
    )
}  # fmt: skip


class Cited(NamedTuple):
    """The works of a source, and the remarks of its text."""

    works: tuple[Reference, ...]
    remarks: tuple[str, ...]


def cited(source: str) -> Cited:
    """The works that the text of a source cites; none if the text is empty."""
    parts = [part for part in re.split(r";\s+", clipped(source, LONGEST)) if part]
    located = [i for i, part in enumerate(parts) if _locator(part)]
    if not located:
        return Cited((_work("; ".join(parts)),) if parts else (), ())
    first = located[0]
    parts[: first + 1] = ["; ".join(parts[: first + 1])]  # the text before the first address belongs to its title
    works = dict.fromkeys(_work(part) for part in parts if _locator(part))
    return Cited(tuple(works), tuple(part for part in parts if not _locator(part)))


def has_address(source: str) -> bool:
    """Whether the text of a source contains an address or an arXiv number."""
    return _locator(clipped(source, LONGEST)) is not None


def _locator(text: str) -> re.Match[str] | None:
    return _ARXIV.search(text) or _ADDRESS.search(text)


def _work(text: str) -> Reference:
    found = _locator(text)
    if found is None:
        return WU if text.startswith("Wu et al. 2022") else _entry(text, text.lower(), "", (), _years(text))
    before, after = text[: found.start()], text[found.end() :].strip(" ),:.")
    note = after.replace(")", "") if after.count(")") > after.count("(") else after
    more: tuple[tuple[str, str], ...]
    if number := _ARXIV.search(found[0]):
        identity, shown, url = f"arxiv:{number[1]}", f"arXiv:{number[1]}", f"https://arxiv.org/abs/{number[1]}"
        more = (("eprint", number[1]), ("archiveprefix", "arXiv"), ("url", url))
    else:
        bare = re.sub(r"^https?://(?:www\.)?", "", found[0].rstrip(".:")).rstrip("/")
        identity, shown = bare.lower(), bare.partition("/")[0]
        more = (("howpublished", shown), ("url", address(found[0].rstrip(".:") if "://" in found[0] else f"https://{bare}")))
    if identity in _KNOWN:
        return _KNOWN[identity]
    return _entry(_closed(before) or shown, identity, note, more, _years(f"{before} {after}"))


def _closed(text: str) -> str:
    """The text before an address, without the bracket that opens before it."""
    if text.count("(") > text.count(")"):
        before, _, inside = text.rpartition("(")
        text = ", ".join(t for t in (before.strip(), inside.strip(" ,:")) if t)
    return text.strip(" ,:;")


def _years(text: str) -> str:
    """The latest year that the text names."""
    return max(_YEAR.findall(text), default="")


def _entry(words: str, identity: str, note: str, more: tuple[tuple[str, str], ...], year: str) -> Reference:
    author, title, known = "", words, dict(more)
    if match := _ET_AL.match(words):
        author, year = f"{match['who']} and others", match["year"]
        title = match["title"] or (f"arXiv:{known['eprint']}" if "eprint" in known else words)
    elif match := _ORGANISATION.match(words):
        author, title = match["who"], match["title"]
    else:
        author = next((who for start, who in _PUBLISHERS.items() if identity.startswith(start)), "")
    fields = (("author", author), ("title", title), ("year", year), *more, ("note", note))
    return Reference(identity, _key(words, year), "misc", tuple((name, value) for name, value in fields if value))


def _key(words: str, year: str) -> str:
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    found = [w for w in re.findall(r"[a-z0-9]+", plain) if w != year][:_KEY_WORDS]
    return "-".join([*(w[:20] for w in found), *([year] if year else [])]) or "source"


def keys(references: Iterable[Reference]) -> dict[str, str]:
    """Identity to key, each key once. Works with similar words get keys that depend on their identity, not on their order."""
    works = {r.identity: r.key for r in references}
    taken = list(works.values())
    apart = {i: key if taken.count(key) == 1 else f"{key}-{zlib.crc32(i.encode()):08x}" for i, key in works.items()}
    return apart if len(set(apart.values())) == len(apart) else {i: f"{key}-{n}" for n, (i, key) in enumerate(apart.items())}


def bibtex(reference: Reference, key: str) -> str:
    """An entry of BibTeX, in ASCII, of a type that the standard styles know. They (plain.bst and its like) print no `url` and no `version`:
    the address is in `howpublished` too, or in `note` where a type has no `howpublished`, and the version in `note`."""
    fields = dict(reference.fields)
    if "author" not in fields and "howpublished" in fields and "url" in fields:
        fields = {"author": fields["howpublished"], **fields}  # the site
    if "author" not in fields:
        fields["key"] = " ".join(fields["title"].split()[:3])  # used by styles to sort and label works without an author
    values = {name: _value(name, value) for name, value in fields.items() if name not in ("howpublished", "note")}
    notes = [f"Version {values['version']}"] if "version" in values else []
    notes += [tex(fields["note"])] if "note" in fields else []
    shown = rf"\texttt{{{tex(fields['url'])}}}" if "url" in fields else tex(fields.get("howpublished", ""))
    if reference.kind == "misc" and shown:
        values["howpublished"] = shown
    elif shown:
        notes.append(shown)
    if notes:
        values["note"] = ", ".join(notes)
    return f"@{reference.kind}{{{key},\n" + ",\n".join(f"  {name} = {{{value}}}" for name, value in values.items()) + "\n}"


def _value(name: str, value: str) -> str:
    if name in ("url", "eprint"):
        return value
    person = name == "author" and (" and others" in value or ", " in value)
    return f"{{{tex(value)}}}" if name == "title" or (name == "author" and not person) else tex(value)


def plain(reference: Reference) -> str:
    """The work as one line of a list of references."""
    field: Mapping[str, str] = dict(reference.fields)
    author = field.get("author", "").replace(" and others", " et al.").replace(" and ", "; ")
    place = [field[name] for name in ("booktitle", "year") if name in field]
    version = f"Version {field['version']}" if "version" in field else ""
    said = [author, field["title"], version, ", ".join(place), field.get("note", "")]
    return " ".join([*(f"{s.rstrip('.')}." for s in said if s), *([field["url"]] if "url" in field else [])])
