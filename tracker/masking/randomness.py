"""PURE: long random strings in a text, such as keys that no name and no shape tells of.

A string is random if its pairs of characters are as rare in words as in random strings. Numbers in hexadecimal (commits, digests, UUIDs)
and paths are never taken for one: they identify things, and keep no secret by themselves.
"""

from __future__ import annotations

import re
from itertools import pairwise

from .shapes import MASK

LEAST_PAIRS = 14
"""Fewer pairs of letters and digits tell too little."""
RANDOM_BELOW = -0.45
"""A string whose pairs score less in the mean is random. Random strings have a mean of -1.6 (letters and digits, 20 to 64 of them), and
fewer than 1 in 100 with 32 characters are above. Of 160,000 names of files and identifiers on a machine, 60 are below, most of them paths
with abbreviations."""
_OF_LETTERS = (
    "15651251503766150767433340",
    "74536322651733641663602152",
    "60437216506532731647521040",
    "63358432711533631554522130",
    "53664541301557244776243530",
    "62446630800522730655511040",
    "52338256600545530664522022",
    "72338212703443720546412031",
    "54655450101658640566040404",
    "70538402625322740362702030",
    "63548444712525442464424030",
    "62358311701622740255521060",
    "75238211602453670253500040",
    "61666572514324631267441020",
    "44552441304667560755645411",
    "72437424602622651756512050",
    "33433222210424325552922000",
    "72548341703454730666432040",
    "52537335603433553267623140",
    "62437316702432640655522151",
    "56546440501667460667200100",
    "73329331700333530332132111",
    "73446325702426630663223301",
    "54646524600453471448332551",
    "44545431500556480577344244",
    "62439323700332630333302033",
)
"""By the first letter: for each second letter, 5 plus the logarithm (base 2) of how much more often the pair is in words than in random
letters, from 0 to 9. Counted in the words of the identifiers and comments of Python's standard library (3.11), each word once."""
_SCORES = {chr(97 + first) + chr(97 + second): int(digit) - 5 for first, row in enumerate(_OF_LETTERS) for second, digit in enumerate(row)}
_WITHIN_NUMBER, _BETWEEN_KINDS, _NEW_WORD, _IN_ORDER = 1.5, -2.0, -2.0, 1.0
"""The scores of two digits, of a digit beside a letter, of a capital after a small letter, and of two characters that are the same or
follow each other in the alphabet."""

_LONG = re.compile(
    r"(?<![\w+/~.%-])(?:~|\.{0,2})/[a-z.][a-z0-9_.-]{0,15}/[\w./@+-]*+"  # a path: passed over
    r"|(?<![A-Za-z0-9+/_=%-])(?P<word>[A-Za-z0-9+/_-]{16,}+={0,2})"
)
_HEX = re.compile(r"(?<![A-Za-z0-9])[GVgv]?(?:[0-9a-f]{6,}+|[0-9A-F]{6,}+)(?![A-Za-z0-9])")
"""A number in hexadecimal, also behind the v of a version or the g of `git describe`."""
_DIGEST = re.compile(r"(?:sha\d{1,3}|md5|blake2b|crc32c?|digest)[-:=]", re.IGNORECASE)


def without_random(text: str) -> str:
    """The text with each long random string replaced."""
    return _LONG.sub(_replaced, text)


def is_random(word: str) -> bool:
    """Whether a word is a random string."""
    scores = [_score(a, b) for a, b in pairwise(_HEX.sub("-", word)) if a.isalnum() and b.isalnum()]
    return len(scores) >= LEAST_PAIRS and sum(scores) < RANDOM_BELOW * len(scores)


def _replaced(found: re.Match[str]) -> str:
    word = found["word"]
    if word is None or _DIGEST.search(found.string, max(0, found.start() - 8), found.start() + 8):
        return found[0]
    if is_random(word):
        return MASK
    return "/".join(MASK if is_random(part) else part for part in word.split("/")) if "/" in word else word


def _score(a: str, b: str) -> float:
    if a == b or ord(b) - ord(a) == 1:
        return _IN_ORDER
    if a.isalpha() and b.isalpha():
        return _NEW_WORD if a.islower() and b.isupper() else _SCORES[(a + b).lower()]
    return _BETWEEN_KINDS if a.isalpha() or b.isalpha() else _WITHIN_NUMBER
