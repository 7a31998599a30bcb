"""PURE: whether a name is that of a secret: `WANDB_API_KEY`, `--db-password`, `clientSecret`; but not `--tokenizer` or `--text-key`."""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache


class Kind(Enum):
    """How sure it is that the value of a name is a secret."""

    NONE = auto()
    WORDY = auto()
    """An ordinary word too, as in "forward pass: 3 ms". In prose before a colon it names no secret."""
    TOKEN = auto()
    """The name of a secret, or of a number or a special token of a model. The value decides."""
    STRONG = auto()
    """The name of a secret, whatever its value is."""


_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_STRONG = re.compile(
    r"passw(?:or[dt]|d)|passphrase|passcode|secret(?!ar|i)|credential|(?:api|access|account|app|auth|encryption|license|master|private|shared"
    r"|signing|ssh)key|^(?:pwd|creds|totp|otp|jwt|authorization|mnemonic|(?:ssh|user|db|key|store)pass|pass(?:in|out)|j?sessionid|phpsessid|cookies?)$"
)
_TOKEN = re.compile(r"token$")
_WORDY = {"pass", "pw", "pat", "sig", "signature", "hmac", "bearer"}
_AUTH = {"auth", "oauth", "auth2", "oauth2"}
_ABOUT = {
    *("file", "path", "dir", "folder", "filename", "url", "uri", "host", "type", "name", "length", "len", "size", "count", "limit"),
    *("format", "policy", "expiry", "timeout", "ttl", "hint", "required", "enabled", "provider", "manager", "method", "mode", "store"),
    *("prompt",),
}
"""After the name of a secret: something about the secret, and not the secret itself."""
_VALUE = {"value", "string", "str", "text", "b64", "base64", "env", "plain", "raw", "hash"}
_OF_A_MODEL = {
    *("pad", "padding", "eos", "bos", "unk", "unknown", "sep", "cls", "mask", "class", "image", "img", "video", "audio", "speech", "text"),
    *("special", "stop", "start", "begin", "end", "first", "last", "next", "max", "min", "num", "n", "per", "add", "added", "extra", "new"),
    *("prompt", "prefix", "suffix", "fim", "role", "register", "patch", "visual", "vision", "latent", "memory", "query", "dist", "distill"),
    *("blank", "empty", "newline", "space", "target", "source", "src", "tgt", "decoder", "encoder", "forced", "placeholder", "initializer"),
    *("instance", "rare", "sot", "eot", "eod", "language", "lang", "task", "timestamp", "word", "subword", "char", "byte", "bad", "single"),
}
"""Before "token": a token of a text, and not one that opens a door."""
_OF_DATA = {
    *("sort", "primary", "foreign", "public", "text", "image", "label", "labels", "input", "inputs", "output", "target", "source", "cache"),
    *("partition", "group", "index", "row", "data", "dataset", "feature", "column", "prompt", "answer", "question", "response", "caption"),
    *(
        "video",
        "audio",
        "mask",
        "query",
        "map",
        "dict",
        "json",
        "state",
        "metric",
        "monitor",
        "loss",
        "rng",
        "prng",
        "random",
        "hot",
        "obs",
    ),
    *("foreign", "id", "by", "reward", "action", "observation", "latent", "embed", "embedding", "config", "param", "attention", "batch"),
    *("chosen", "rejected", "message", "messages", "content", "extra", "missing", "unexpected", "unknown", "duplicate", "no", "dedup"),
}
"""Before "key": a key of a mapping or a column."""
_OPENS = {"api", "access", "secret", "private", "auth", "ssh", "refresh", "bearer", "bot", "account", "storage", "encryption", "signing"}


@lru_cache(maxsize=512)
def kind_of(name: str) -> Kind:
    """The kind of a name: of a flag, a variable, a key of a mapping, a header or a parameter."""
    parts = [part.lower() for part in _PARTS.findall(name)]
    while parts and (parts[-1].isdecimal() or (len(parts) > 1 and parts[-1] in _VALUE)):
        parts.pop()
    if not parts or parts[-1] in _ABOUT:
        return Kind.NONE
    last, before = parts[-1], parts[-2] if len(parts) > 1 else ""
    if any(map(_STRONG.search, parts)) or (_OPENS.intersection(parts) and ("key" in parts or last in ("keys", "tokens"))):
        return Kind.STRONG
    if last in _AUTH or (_TOKEN.search(last) and (last.removesuffix("token") or before) not in _OF_A_MODEL):
        return Kind.TOKEN
    if parts[-2:] == ["from", "literal"]:  # of `kubectl create secret`
        return Kind.STRONG
    if last == "key":
        return Kind.NONE if before in _OF_DATA else Kind.TOKEN if not before else Kind.STRONG
    return Kind.WORDY if last in _WORDY else Kind.NONE


_OPEN = re.compile(
    r"[-+]?(?:\d{1,3}|\d?\.\d+(?:e-?\d+)?)|true|false|yes|no|on|off|none|null|nil|undefined|required|optional|<[^<>\s]{0,40}>|</?s>|\[[A-Z_]{2,12}\d{0,4}\]",
    re.IGNORECASE,
)


def is_secret(kind: Kind, value: str) -> bool:
    """Whether the value of a name of this kind is hidden. Numbers, switches and special tokens of a model stay: `<pad>`, `[MASK]`."""
    return kind is Kind.STRONG or (kind is not Kind.NONE and not _OPEN.fullmatch(value))
