"""Secrets that nothing names: the tokens of providers, and long random strings."""

from __future__ import annotations

import base64
import random
import string

import pytest

from trainwatt.masking.randomness import is_random
from trainwatt.masking.shapes import MASK
from trainwatt.masking.text import masked, scrubbed

LETTERS = string.ascii_letters + string.digits
SHAPES = (
    *(
        "AKIA:20U",
        "ASIA:20U",
        "AIza:39",
        "ya29.:60",
        "GOCSPX-:35",
        "ghp_:40",
        "gho_:40",
        "ghs_:40",
        "github_pat_:93",
        "glpat-:26",
        "gldt-:26",
    ),
    *("hf_:37", "sk-:51", "sk-proj-:80", "sk-ant-api03-:100", "sk-or-v1-:70", "wandb_v1_:50", "xoxb-:55", "xoxp-:72", "xapp-1-:60"),
    *(
        "npm_:40",
        "pypi-AgEIcHlwaS5vcmc:120",
        "dckr_pat_:36",
        "dckr_oat_:40",
        "sk_live_:32",
        "rk_test_:32",
        "SG.:69.",
        "whsec_:38",
        "dop_v1_:71h",
    ),
    *(
        "key-:36h",
        "dapi:36h",
        "hvs.:95",
        "shpat_:38h",
        "glsa_:46",
        "nvapi-:70",
        "gsk_:56",
        "r8_:40",
        "lin_api_:48",
        "tskey-auth-:50",
        "figd_:44",
    ),
    *(
        "rubygems_:57h",
        "ATATT3x:190",
        "LTAI:24",
        "AKID:36",
        "pcsk_:60",
        "xai-:80",
        "pplx-:53",
        "sntrys_:60",
        "lsv2_pt_:50h",
        "AGE-SECRET-KEY-1:74U",
    ),
)
"""What a token begins with, and how long it is; U: capitals and digits, h: hexadecimal digits, a point: in two parts."""


def token(shape: str, chance: random.Random) -> str:
    begin, _, rest = shape.rpartition(":")
    length = int(rest.rstrip("Uh.")) - len(begin)
    letters = string.ascii_uppercase + string.digits if rest.endswith("U") else "0123456789abcdef" if rest.endswith("h") else LETTERS
    body = "".join(chance.choices(letters, k=length))
    return begin + (f"{body[: length // 3]}.{body[length // 3 + 1 :]}" if rest.endswith(".") else body)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_token_of_a_provider_is_masked_wherever_it_stands(shape: str) -> None:
    chance = random.Random(shape)
    for _ in range(20):
        secret = token(shape, chance)
        for text in (secret, f"refused: {secret} is no key", f"['{secret}']", f"x={secret}", f"https://host/{secret}/x", f"a,{secret};b"):
            assert secret[-8:] not in scrubbed(text), text
        assert masked(["train.py", secret]) == f"train.py {MASK}"


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
        "abC8Q~abcdefghijklmnopqrstuvwxyz0123456789",
    ],
)
def test_other_shapes(secret: str) -> None:
    assert scrubbed(f"got {secret}") == f"got {MASK}"


def test_a_private_key_is_masked_to_its_end_or_to_that_of_the_text() -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\nZQ==\n-----END OPENSSH PRIVATE KEY-----"
    assert scrubbed(f"a {key} b") == f"a {MASK} b"
    assert scrubbed(f"a {key[:60]}") == f"a {MASK}"
    assert scrubbed(key.replace("\n", "\\n")) == MASK
    assert scrubbed("-----BEGIN PUBLIC KEY-----\nabc") == "-----BEGIN PUBLIC KEY-----\nabc"


ALPHABETS = {
    "letters and digits": LETTERS,
    "small letters and digits": string.ascii_lowercase + string.digits,
    "capitals and digits": string.ascii_uppercase + "234567",
    "letters": string.ascii_letters,
}


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize(("length", "kept"), [(24, 0.02), (32, 0.02), (40, 0.01), (64, 0.005)])
def test_a_long_random_string_is_masked(alphabet: str, length: int, kept: float) -> None:
    """Of short ones a few look like words. The numbers are the same in each run of this test."""
    chance = random.Random(7)
    strings = ["".join(chance.choices(ALPHABETS[alphabet], k=length)) for _ in range(1_000)]
    assert sum(text in scrubbed(f"got {text} back") for text in strings) <= kept * len(strings)


@pytest.mark.parametrize("size", [24, 32, 48])
def test_random_bytes_in_base64_are_masked(size: int) -> None:
    chance = random.Random(8)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        strings = [encode(chance.randbytes(size)).decode() for _ in range(500)]
        assert sum(text.rstrip("=") in scrubbed(f"got {text} back") for text in strings) <= 5


def test_what_is_random() -> None:
    assert is_random("kJ8fQz2LmXv9Rt4YwBn7Hc3D")
    assert not is_random("distributed-data-parallel")
    assert not is_random("0123456789abcdef0123456789abcdef")
    assert not is_random("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
    assert not is_random("kJ8fQz2L")  # too short to tell
