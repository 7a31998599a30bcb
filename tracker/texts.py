"""PURE: the text of objects that are not ours, and text for places that are not UTF-8.

The user's exceptions, names and values make their text with their own code, which can raise anything, return a class of its own, or take a
list of millions of numbers into a message. The functions here raise nothing and return a plain `str` that UTF-8 can encode.
"""

from __future__ import annotations

import codecs
import reprlib
import unicodedata
from collections.abc import Callable
from typing import Any

from .unwarned import unwarned

LONGEST = 1000
"""The most characters of a text that somebody else makes, where only a part of it is shown."""
MOST_ITEMS, MOST_LEVELS = 20, 4
"""How many items of a list, and how many levels of lists in lists, are written."""
SIMILAR = "trainwatt.similar"
"""The error handler of a stream that replaces what its encoding does not have."""
_SIMILAR = {
    "–": "-",
    "—": "-",
    "−": "-",
    "·": "-",
    "×": "x",
    "…": ".",
    "→": ">",
    "≥": ">",
    "≤": "<",
    "±": "~",
    "µ": "u",
    "μ": "u",
    "✓": "+",
    "✗": "x",
}
_SIMILAR |= dict.fromkeys("‘’", "'") | dict.fromkeys("“”«»", '"') | dict(zip("▁▂▃▄▅▆▇█", "_.:-=+*#", strict=True))
"""One character for one, so that the columns of a table stay in line."""


def text_of(value: object, longest: int | None = None) -> str:
    """`str(value)`, at most `longest` characters of it."""
    return made(_str, value, longest)


def repr_of(value: object, longest: int = LONGEST) -> str:
    """`repr(value)`, at most `longest` characters of it. Of a long list, only the first items are looked at."""
    return made(_Short().repr, value, longest)


def made(make: Callable[[Any], str], value: object, longest: int | None = None) -> str:
    """The text that `make` makes of a value, at most `longest` characters of it."""
    if type(value) is str and make is _str:
        return storable(value[:longest])
    try:
        text = unwarned(make, value)
    except BaseException:  # the code of the user's type raised it, as text was made for us: nobody there waits for it
        return f"<{type_name(value)} whose text cannot be made>"
    return storable(str.__getitem__(text, slice(longest)))


def type_name(value: object) -> str:
    """The name of the type of `value`, whatever its `__class__` says."""
    return storable(type.__dict__["__name__"].__get__(type(value)))


def error_text(error: BaseException, longest: int = LONGEST) -> str:
    """An exception as "ValueError: no data". The text of a list in it is cut as in `repr_of`."""
    text = made(_message, error, longest)
    return f"{type_name(error)}: {text}" if text else type_name(error)


def _str(value: object) -> str:
    return repr(value) if isinstance(value, (bytes, bytearray)) else str(value)  # the same text: `python -bb` allows no `str` of bytes


def _message(error: BaseException) -> str:
    """The message of an exception, as `str` makes it; but its arguments are cut before they are written."""
    arguments: tuple[object, ...] = BaseException.__dict__["args"].__get__(error)
    own = type(error).__str__
    if own not in (BaseException.__str__, KeyError.__str__) or not arguments:
        return str(error)
    if len(arguments) > 1:
        return _Short().repr(arguments)
    [argument] = arguments
    plain = own is BaseException.__str__ and type(argument) not in (list, tuple, dict, set, frozenset, bytes, bytearray)
    return str(argument) if plain else _Short().repr(argument)


def storable(text: str) -> str:
    """The text as a plain `str` that UTF-8 can encode. Bytes that Python could not decode are decoded as UTF-8; what is no character then
    becomes "�" or a question mark."""
    text = str.__str__(text)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        try:
            return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        except UnicodeEncodeError:
            return text.encode("utf-8", "replace").decode("utf-8")
    return text


def shown(text: str, stream: object) -> str:
    """The text as a stream can write it. What the encoding of the stream does not have becomes a similar character, or a question mark."""
    encoding, errors = getattr(stream, "encoding", None), getattr(stream, "errors", None)
    if not isinstance(encoding, str):
        return text
    try:
        text.encode(encoding, errors if isinstance(errors, str) else "strict")
    except UnicodeError:
        return text.encode(encoding, SIMILAR).decode(encoding)
    except LookupError:  # the stream is the user's
        pass
    return text


def _similar(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_ascii, error.object[error.start : error.end])), error.end


def _ascii(c: str) -> str:
    return _SIMILAR.get(c) or unicodedata.normalize("NFKD", c).encode("ascii", "ignore").decode() or "?"


codecs.register_error(SIMILAR, _similar)


class _Short(reprlib.Repr):
    """`repr` that looks at the first items only."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = MOST_LEVELS
        self.maxtuple = self.maxlist = self.maxarray = self.maxdict = self.maxset = self.maxfrozenset = self.maxdeque = MOST_ITEMS
        self.maxstring = self.maxlong = self.maxother = LONGEST

    repr_bytes = repr_bytearray = reprlib.Repr.repr_str

    def repr_instance(self, value: object, level: int) -> str:
        return made(repr, value, LONGEST)
