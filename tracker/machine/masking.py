"""PURE: replaces secrets in command lines, texts and URLs, before anything is stored or shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

MASK = "***"
_SECRET = re.compile(
    r"token(?!i[sz]|s(?![a-z]))|secret|passw(?:or)?d|passphrase|pwd$|api[-_]?key|access[-_]?key|credential|auth(?!or(?!iz))|(?:^|[-_.])key$",
    re.IGNORECASE,
)
_URL_USER = re.compile(r"(\w+://[^/:@\s]*)(:(?!\d+/)\S*)?@(?=[^@\s]*$)")
_URL_PASSWORD = re.compile(r"(://[^/:@\s]*):\S*@")
_URL_QUERY = re.compile(r"([?&][^=&\s]+)=[^&\s]*")
_IN_TEXT = re.compile(
    r"""((?:\w*(?:token|secret|passw\w*|passphrase|api[-_]?key)|\bkey|authorization)["']?\s*[=:]\s*(?:bearer\s+|basic\s+)?["']?)[^\s'",;&*]+""",
    re.IGNORECASE,
)
_SHAPES = re.compile(r"\b(?:hf_|sk-|ghp_|github_pat_|glpat-|AKIA|xox[bp]-)[A-Za-z0-9_-]{6,}|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_.-]+")


def masked(arguments: Sequence[str]) -> str:
    """A command line in which the values of token-, key- and password-like arguments are replaced, so that no secret is stored."""
    shown: list[str] = []
    hide_next = False
    for argument in arguments:
        if hide_next and not argument.startswith("--"):
            shown.append(MASK)
            hide_next = False
            continue
        name, equals, _ = argument.partition("=")
        secret = bool(_SECRET.search(name)) and (argument.startswith("-") or bool(equals))
        hide_next = secret and not equals
        argument = f"{name}={MASK}" if secret and equals else scrubbed(argument)
        shown.append(f"'{argument}'" if " " in argument else argument)
    return " ".join(shown)


def scrubbed(text: str) -> str:
    """A text in which everything that looks like a secret is replaced: credentials in URLs, values after token-, key- and password-like
    words, and the shapes of well-known tokens."""
    text = _URL_USER.sub(lambda m: f"{m[1]}:{MASK}@" if m[2] else f"{m[1].partition('//')[0]}//{MASK}@", text)
    return _SHAPES.sub(MASK, _IN_TEXT.sub(lambda m: f"{m[1]}{MASK}", _query_masked(text)))


def without_password(url: str) -> str:
    """A URL with its password replaced, before the host or among the parameters; the user's name stays."""
    return _query_masked(_URL_PASSWORD.sub(rf"\1:{MASK}@", url))


def _query_masked(text: str) -> str:
    return _URL_QUERY.sub(lambda m: f"{m[1]}={MASK}" if _SECRET.search(m[1]) else m[0], text)
