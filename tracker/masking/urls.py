"""PURE: credentials in URLs."""

from __future__ import annotations

import re

from .shapes import MASK

_WORD = re.compile(r"\S+")
_USER = re.compile(r"[^/:]*(:)?")
"""After "://": the name of a user, and the colon before a password."""
_USER_OR_HOST = re.compile(r"[^/:]*(:(?!\d+[/?#\"'`),;\]}>]))?")
"""The same where no user need be named: a colon before a number is that of a port."""
_PORT = re.compile(r"\d*$")
_PUBLIC = re.compile(r"[A-Z]{1,12}|git|hg|anonymous")
"""A user that is no token: in a text that explains how to write a URL, and where everyone is the same user."""
_NO_SCHEME = re.compile(
    r"(?<![\w.+%-])(?!mailto:|sips?:|xmpp:|acct:|\d+:)([\w.+%-]{1,100}:)(?!//|\d{1,5}@)[^\s/:@\"'`]{1,200}(@(?!sha\d|md5)[A-Za-z][\w.-]*)"
)
"""USER:PASSWORD@HOST without a scheme, as in "mysql me:secret@host/db". An image is named NAME:TAG@sha256:…"""
_ORACLE = re.compile(r"(\bthin:[^\s/:@]{1,100}/)[^\s@]{1,200}(?=@)", re.IGNORECASE)


def without_credentials(text: str, *, users: bool = False, cut: bool = False) -> str:
    """The text without the credentials in its URLs. `users`: the names of users stay. `cut`: the text goes on, and so may its last word."""
    if "://" in text:
        text = _WORD.sub(lambda m: _url_masked(m[0], users=users, cut=cut and m.end() == len(text)), text)
    if "@" in text:
        text = _ORACLE.sub(lambda m: f"{m[1]}{MASK}", _NO_SCHEME.sub(lambda m: f"{m[1]}{MASK}{m[2]}", text))
    return text


def _url_masked(word: str, *, users: bool, cut: bool) -> str:
    before, at, host = word.rpartition("@")
    if not at:  # the sign may follow: in what is cut, or after a blank in the password
        before, host = word, ""
    start = before.find("://")
    while start >= 0:
        start += len("://")
        user = (_USER if users and at else _USER_OR_HOST).match(before, start)
        assert user is not None
        if user[1] and (at or not _PORT.match(before, user.end())) and before[user.end() : user.end() + 1] not in ("[", "/"):
            return f"{before[: user.end()]}{MASK}{at}{host}"
        if user.end() == len(before) and (at or cut):
            return word if users or not at or _PUBLIC.fullmatch(before, start) else f"{before[:start]}{MASK}{at}{host}"
        start = before.find("://", user.end())
    return word
