"""PURE: replaces secrets in command lines, texts and URLs, before anything is stored or shown.

Only the beginning of a long text is looked at, and the time for it grows with its length, not with the square: no pattern here can begin at
many places of a text and run to its end from each of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MASK = "***"
CUT = "…"
"""Stands for the rest of a text that was cut."""
LONGEST_TEXT = 2_000
"""The most characters that are shown of a text, or of an argument."""
LONGEST_COMMAND = 20_000
"""The most characters that are shown of a command line."""
MARGIN = 2_000
"""So many characters more are looked at: a secret that begins in what is shown may be recognised by what follows it."""

_SECRET = re.compile(
    r"token(?!i[sz]|s(?![a-z]))|secret|passw(?:or)?d|passphrase|pwd$|api[-_]?key|access[-_]?key|credential|auth(?!or(?!iz))|(?:^|[-_.])key$",
    re.IGNORECASE,
)
_WORD = re.compile(r"\S+")
_USER = re.compile(r"[^/:]*(:)?")
"""After "://": the name of a user, and the colon before a password."""
_USER_OR_HOST = re.compile(r"[^/:]*(:(?!\d+/))?")
"""The same where no user need be named: a colon before a number and a slash is that of a port."""
_QUERY = re.compile(r"([?&][^=&?\s]+)=[^&\s]*")
_IN_TEXT = re.compile(
    r"""((?:token|secret|passw\w{0,40}|passphrase|api[-_]?key|\bkey|authorization)["']?\s*[=:]\s*(?:bearer\s+|basic\s+)?["']?)[^\s'",;&*]+""",
    re.IGNORECASE,
)
_SHAPES = re.compile(r"\b(?:hf_|sk-|ghp_|github_pat_|glpat-|AKIA|xox[bp]-)[A-Za-z0-9_-]{6,}")
_WEB_TOKEN = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}+(\.[A-Za-z0-9_.-]+)?")
"""A JSON web token. Without a dot it is only a word that begins like one."""


def masked(arguments: Sequence[str]) -> str:
    """A command line in which the values of token-, key- and password-like arguments are replaced, so that no secret is stored.

    It has at most LONGEST_COMMAND characters, and at most LONGEST_TEXT of each argument.
    """
    shown: list[str] = []
    left = LONGEST_COMMAND
    hide_next = False
    for argument in arguments:
        if left <= 0:
            shown.append(CUT)
            break
        looked_at = argument[: LONGEST_TEXT + MARGIN]
        if hide_next and not looked_at.startswith("--"):
            text, hide_next = MASK, False
        else:
            name, equals, _ = looked_at.partition("=")
            unknown = not equals and len(looked_at) < len(argument)  # its name goes on
            secret = (unknown or bool(_SECRET.search(name))) and (name.startswith("-") or bool(equals))
            hide_next = secret and not equals
            text = _cut(f"{name}={MASK}", LONGEST_TEXT) if secret and equals else scrubbed(argument)
            text = f"'{text}'" if " " in text else text
        shown.append(text)
        left -= len(text) + 1
    return _cut(" ".join(shown), LONGEST_COMMAND)


def scrubbed(text: str, longest: int = LONGEST_TEXT) -> str:
    """A text in which everything that looks like a secret is replaced: credentials in URLs, values after token-, key- and password-like
    words, and the shapes of well-known tokens. It has at most `longest` characters."""
    looked_at = text[: longest + MARGIN]
    cut = len(looked_at) < len(text)
    shown = _urls_masked(looked_at, cut=cut)
    shown = _IN_TEXT.sub(lambda m: f"{m[1]}{MASK}", _query_masked(shown))
    shown = _WEB_TOKEN.sub(lambda m: MASK if m[1] else m[0], _SHAPES.sub(MASK, shown))
    return _cut(f"{shown}{CUT}" if cut else shown, longest)


def without_password(url: str) -> str:
    """A URL with its password replaced, before the host or among the parameters; the user's name stays."""
    return _query_masked(_urls_masked(url[: LONGEST_TEXT + MARGIN], users=True))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - len(CUT)]}{CUT}"


def _query_masked(text: str) -> str:
    return _QUERY.sub(lambda m: f"{m[1]}={MASK}" if _SECRET.search(m[1]) else m[0], text)


def _urls_masked(text: str, *, users: bool = False, cut: bool = False) -> str:
    """The text without the credentials in its URLs. `users`: the names of users stay. `cut`: the text goes on, and so may its last word."""
    if "://" not in text:
        return text
    return _WORD.sub(lambda m: _url_masked(m[0], users=users, cut=cut and m.end() == len(text)), text)


def _url_masked(word: str, *, users: bool, cut: bool) -> str:
    before, at, host = word.rpartition("@")
    if not at and cut:  # the sign may follow
        before, host = word, ""
    start = before.find("://")
    while start >= 0:
        start += len("://")
        user = (_USER if users else _USER_OR_HOST).match(before, start)
        assert user is not None
        if user[1]:
            return f"{before[: user.end()]}{MASK}{at}{host}"
        if user.end() == len(before):
            return word if users or not at else f"{before[:start]}{MASK}{at}{host}"
        start = before.find("://", user.end())
    return word
