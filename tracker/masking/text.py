"""PURE: replaces secrets in texts, command lines and URLs, before anything is stored or shown.

A secret is known by the name before it (names.py), by the command that it is an argument of (commands.py), by its place in a URL (urls.py),
by its shape (shapes.py), or because it is random (randomness.py). Only the beginning of a long text is looked at, and the time for it grows
with its length, not with the square: no pattern here can begin at many places of a text and run to its end from each of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

from ..texts import text_of
from .commands import Words
from .names import Kind, is_secret, kind_of
from .randomness import without_random
from .shapes import MASK, without_shapes
from .urls import without_credentials
from .values import end_of, rest_of_line

T = TypeVar("T")

CUT = "…"
"""Stands for the rest of a text that was cut."""
LONGEST_TEXT = 2_000
"""The most characters that are shown of a text, or of an argument."""
LONGEST_COMMAND = 20_000
"""The most characters that are shown of a command line."""
MARGIN = 2_000
"""So many characters more are looked at: a secret that begins in what is shown may be recognised by what follows it."""

_NAMED = re.compile(
    r"""(?<![\w.-])(?<!://)(?:(?<=\\)[nrt])?+(?P<name>[\w.-]++)(?P<quote>\\*["'`]?)\]?(?:
        [ \t]{0,40}(?P<sign>=>|:=|!?=+|:(?!//|:)|%3[DA])[ \t]{0,40}
        |,?(?:\s|\\n){0,40}["']?[Vv]alue["']?\s{0,20}[:=]\s{0,20}  # of Kubernetes and others: {"name": "DB_PASSWORD", "value": "x"}
        |(?P<pair>,[ \t]{0,4}|[ \t]{1,4})(?=[bru]?\\*["'](?!-))  # ("password", "x"), PASSWORD 'x'
    )""",
    re.VERBOSE,
)
_SCHEME = re.compile(r"(?:bearer|basic|token|negotiate|ntlm|api-?key|jwt|key)[ \t]+(?=[^\s\"'])", re.IGNORECASE)
_LINE = re.compile(r"authorization$|cookies?$", re.IGNORECASE)
"""Names of headers whose value goes to the end of the line."""
_BEARER = re.compile(r"(?<![\w-])((?:bearer|basic)[ \t]+)(?=[A-Za-z.~+/=_-]*[\d=])[\w.~+/=-]{8,}", re.IGNORECASE)
_ELEMENT = re.compile(r"(?<=<)([\w.:-]++)>([^<>]+)")
_GIVEN = (
    re.compile(
        r"\b(?:passw(?:or)?d|passphrase|passcode|(?:api|access|secret) key)\s{1,4}(?:(?:is|was|of)\s{1,4})?(?=\S*\d)"
        r"(?=[^\s\d]*[A-Za-z])(?=\S{5})",
        re.IGNORECASE,
    ),
    re.compile(r"(\bidentified\s{1,9}(?:with\s{1,9}\w{1,40}\s{1,9})?by\s{1,9}|\blogin\(\s{0,9})(?=[\"'])", re.IGNORECASE),
    re.compile(r"\b(?:sqlplus|sqlldr|rman|impdp|expdp)\s{1,9}(?:-\w{1,9}\s{1,9}|userid=){0,4}[^\s/@]{1,60}/(?=[^\s/])", re.IGNORECASE),
    re.compile(r"<\(\s{0,9}(?:echo|printf)\s{1,9}(?:-\w{1,9}\s{1,9}){0,4}"),
    re.compile(
        r"\b(?:echo|printf)\s{1,9}(?:-\w{1,9}\s{1,9}){0,4}(?=[^|;&\n]{1,300}\|[^|;&\n]{0,200}?"
        r"(?:-stdin|passphrase-fd|with-token|\bsudo\b[^|;&\n]{0,40} -S\b|\b(?:ch)?passwd\b|cryptsetup|kinit))"
    ),
    re.compile(r"(?:-stdin|passphrase-fd|with-token|\bsudo\b[^|;&\n]{0,40} -S|passwd|cryptsetup|kinit)\b[^|;&\n<]{0,200}<<<\s{0,9}"),
)
"""What stands before a secret: in prose, in SQL, in Python, in Oracle's tools, and where a shell gives it to the input of a program."""
_WORD = re.compile(r"(?:(?<=\\)[nrt])?+([^\s\"'`()\[\]{},\\]++)")
_QUOTES = ("'", '"')
_GAP = re.compile(r"\\*[\"']?,?(?:\s|\\\n){1,40}")
"""Between an option and its value, in a command and in a printed list."""


def masked(arguments: Sequence[str]) -> str:
    """A command line in which everything that looks like a secret is replaced.

    It has at most LONGEST_COMMAND characters, and at most LONGEST_TEXT of each argument.
    """
    shown: list[str] = []
    left = LONGEST_COMMAND
    words, hidden = Words(), Kind.NONE
    for argument in arguments:
        if left <= 0:
            shown.append(CUT)
            break
        looked_at = argument[: LONGEST_TEXT + MARGIN]
        text, hidden = _argument(argument, looked_at, words, hidden)
        text = f"'{text}'" if " " in text else text
        shown.append(text)
        left -= len(text) + 1
    return _cut(_without_secrets(" ".join(shown), cut=False), LONGEST_COMMAND)  # again: `echo password: X` has it in two arguments


def scrubbed(text: str, longest: int = LONGEST_TEXT) -> str:
    """A text in which everything that looks like a secret is replaced. It has at most `longest` characters."""
    looked_at = text[: longest + MARGIN]
    cut = len(looked_at) < len(text)
    shown = _without_secrets(looked_at, cut=cut)
    return _cut(f"{shown}{CUT}" if cut else shown, longest)


@lru_cache(maxsize=512)
def scrubbed_name(name: str) -> str:
    """A name of the user's, without secrets. It is not cut. The last names are remembered: phases have the same names again and again."""
    return scrubbed(name, max(LONGEST_TEXT, len(name)))


def without_password(url: str) -> str:
    """A URL with its password replaced, before the host or among the parameters; the user's name stays."""
    looked_at = url[: LONGEST_TEXT + MARGIN]
    scheme, mark, rest = looked_at.partition("://")
    before, at, host = rest.rpartition("@")
    user, colon, _ = before.partition(":")
    if mark and at and colon and "/" not in user:
        looked_at = f"{scheme}{mark}{user}{colon}{MASK}{at}{host}"  # the whole text is the URL: a blank is one of the password
    else:
        looked_at = without_credentials(looked_at, users=True, cut=len(looked_at) < len(url))
    return _named_hidden(looked_at)


def hidden_in(names: Mapping[str, T]) -> dict[str, T | str]:
    """Names and their values, such as tags, without secrets: those of a name that is that of a secret, and those that look like one. What
    is no text stays, unless its name is that of a secret."""
    return {scrubbed_name(text_of(name)): _value(text_of(name), value) for name, value in names.items()}


def _value(name: str, value: T) -> T | str:
    text = text_of(value)
    if text and is_secret(kind_of(name), text):
        return MASK
    return value if scrubbed_name(text) == text else scrubbed_name(text)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - len(CUT)]}{CUT}"


def _argument(argument: str, looked_at: str, words: Words, hidden: Kind) -> tuple[str, Kind]:
    """An argument without secrets, and the kind of secret that the next one is. `hidden`: that of this one."""
    if hidden is not Kind.NONE and not looked_at.startswith("--"):
        return (MASK if is_secret(hidden, looked_at) else scrubbed(argument)), Kind.NONE
    name, equals, value = looked_at.partition("=")
    if not equals and len(looked_at) < len(argument) and name.startswith("-"):  # its name goes on, and may be that of a secret
        return scrubbed(argument), Kind.STRONG
    if equals and not any(map(str.isspace, name)) and is_secret(kind_of(name), value):
        return _cut(f"{scrubbed(name)}={MASK}", LONGEST_TEXT), Kind.NONE
    found = words.look(looked_at)
    if found is not None and found.at is not None and found.at < len(looked_at):
        return f"{looked_at[: found.at]}{MASK}", Kind.NONE
    return scrubbed(argument), Kind.NONE if found is None or found.at is not None else found.kind


def _without_secrets(text: str, *, cut: bool) -> str:
    text = _named_hidden(without_credentials(text, cut=cut))
    text = _BEARER.sub(lambda m: f"{m[1]}{MASK}", _arguments_hidden(text))
    return without_random(without_shapes(text))


def _named_hidden(text: str) -> str:
    """The text without the values after the names of secrets: `password=X`, `"token": "X"`, `Authorization: Bearer X`."""
    parts, shown = [], 0
    for found in _NAMED.finditer(text):
        if found.start() < shown:
            continue
        kind = kind_of(found["name"])
        if kind is Kind.NONE or not _names(found, kind):
            continue
        start = found.end()
        if found["sign"] is not None and (scheme := _SCHEME.match(text, start)) is not None:
            start, end = scheme.end(), end_of(text, scheme.end())[1]
        elif _LINE.search(found["name"]) and text[start : start + 1] not in "\"'`\\[({":
            end = rest_of_line(text, start)
        else:
            start, end = end_of(text, start)
        if end > start and is_secret(kind, text[start:end]) and not _is_code(found, text[start:end]):
            parts += [text[shown:start], MASK]
            shown = end
    text = "".join([*parts, text[shown:]])
    if "<" in text:
        text = _ELEMENT.sub(lambda m: f"{m[1]}>{MASK}" if is_secret(kind_of(m[1]), m[2]) else m[0], text)
    return _given_hidden(text)


def _names(found: re.Match[str], kind: Kind) -> bool:
    """Whether what stands after a name is its value."""
    name, quote = found["name"], found["quote"]
    if found["pair"] is not None:
        before = found.string[max(0, found.start() - 2) : found.start()].rstrip("\"'")
        return (quote != "" and before[-1:] in "([" and "," in found["pair"]) if quote else kind is Kind.STRONG
    return kind is not Kind.WORDY or quote != "" or found["sign"] != ":" or not name.isalpha()


def _is_code(found: re.Match[str], value: str) -> bool:
    """Whether a name and its value are those of a program: `key=lambda row: row.id`, `if key == "lr"`, `{key: value}`."""
    quoted = found.string[found.end() : found.end() + 1] in _QUOTES
    return found["name"].lower() == "key" and (found["sign"] == "==" or not (quoted or any(map(str.isdigit, value))))


def _given_hidden(text: str) -> str:
    for before in _GIVEN:
        parts, shown = [], 0
        for found in before.finditer(text):
            if found.end() < shown:
                continue
            start, end = end_of(text, found.end())
            if end > start:
                parts += [text[shown:start], MASK]
                shown = end
        text = "".join([*parts, text[shown:]])
    return text


def _arguments_hidden(text: str) -> str:
    """The text without the secrets in the command lines in it."""
    if len(text.split(None, 1)) < 2:
        return text
    words, parts, shown = Words(), [], 0
    for word in _WORD.finditer(text):
        if word.start() < shown or (found := words.look(word[1])) is None:
            continue
        if found.at is not None:
            start, end = end_of(text, word.start(1) + found.at)
        else:
            gap = _GAP.match(text, word.end())
            after = word.end() if gap is None else gap.end()
            if text.startswith("--", after) or (gap is None and text[after : after + 1] not in _QUOTES):
                continue
            start, end = end_of(text, after)
        if end > start and is_secret(found.kind, text[start:end]):
            parts += [text[shown:start], MASK]
            shown = end
    return "".join([*parts, text[shown:]])
