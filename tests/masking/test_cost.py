"""What masking costs: it looks at the beginning of a text only, and the time grows with the length, whatever the text."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.analysis.comparing.gates import parse_gate
from trainwatt.carbon.tables.hardware import _bare
from trainwatt.core.units import parse_duration_s
from trainwatt.masking.shapes import MASK
from trainwatt.masking.text import CUT, LONGEST_COMMAND, LONGEST_TEXT, MARGIN, masked, scrubbed, without_password

PIECES: tuple[str, ...] = (
    "a",
    "0f",
    "-",
    " ",
    "a-",
    "://",
    "x://a:",
    "://1",
    "@",
    "?",
    "?a",
    "&a",
    "token",
    "token ",
    "token=",
    "passw",
    "key",
    "eyJ",
    "eyJ-",
)
PIECES += ("sk-", "sk-a", "hf_a", "AKIA", "bearer ", "token=bearer", "auth", "author", "secret_", "(", "1", " 1", ".", "'", "\n", "\udcff")

PIECES += (
    "password=",
    "password='",
    'password: "',
    "--password ",
    "-p",
    "mysql -p",
    "curl -u ",
    "login ",
    "aws set ",
    "[",
    "({",
    "[]",
    ",",
    ";a",
    "&a=",
    ",'a', ",
)
PIECES += (
    "<password>",
    "-----BEGIN PRIVATE KEY-----",
    "\\",
    '\\"',
    "AKIA",
    "ghp_a",
    "SG.a",
    "/a/",
    "/aB",
    "aB1",
    "%3D",
    "'name': 'token', 'value'",
    "me:a@",
    "thin:a/",
)
PIECES += (
    "identified by '",
    "bearer 1",
    "authorization: ",
    "cookie: a",
    "hooks.slack.com/a/",
    "sha1-",
    "echo ",
    "echo a |",
    "<(echo ",
    "login('",
    "sqlplus a/",
    "passwd <<<",
    "sudo ",
    "--keys a ",
)

FUNCTIONS: dict[str, Callable[[str], object]] = {
    "scrubbed": lambda text: scrubbed(text, 10**9),
    "masked": lambda text: masked([f"--{part}" for part in text.split(" ", 100)]),
    "without_password": without_password,
    "gate": lambda text: parse_gate(f"energy{text}!"),
    "duration": lambda text: parse_duration_s(f"1{text}!"),
    "device": _bare,
}


def cpu_s(call: Callable[[str], object], text: str) -> float:
    """The least time of a processor that the call takes."""
    times = []
    for _ in range(2):
        begin = time.process_time()
        try:
            call(text)
        except ValueError:  # it is no gate and no duration
            pass
        times.append(time.process_time() - begin)
    return min(times)


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_ten_times_the_text_takes_ten_times_as_long(name: str) -> None:
    """A hundred times as long is what took minutes. Half way between, on a logarithmic scale, is 30."""
    call = FUNCTIONS[name]
    slow = []
    for piece in PIECES:
        for end in ("", "x@h "):
            short, long = (cpu_s(call, (piece * n)[:n] + end) for n in (1_000, 10_000))
            if long > 30 * short + 0.02:
                slow.append((piece, end, short, long))
    assert slow == []


def test_what_is_looked_at_has_a_limit() -> None:
    for piece in PIECES[::4]:
        text = piece * 200_000
        assert len(scrubbed(text)) <= LONGEST_TEXT
        assert scrubbed(text, 200) == scrubbed(text[: 200 + MARGIN + 1], 200)
        assert len(masked([text, f"--{text}", f"--x={text}", f"--token={text}"])) <= 4 * (LONGEST_TEXT + 3)
        assert len(masked([piece] * 50_000)) <= LONGEST_COMMAND


def test_what_was_cut_is_marked() -> None:
    assert scrubbed("a" * 5000) == "a" * (LONGEST_TEXT - 1) + CUT
    assert masked(["python", "-c", "b" * 5000, "x"]) == f"python -c {'b' * (LONGEST_TEXT - 1)}{CUT} x"
    assert masked(["x"] * 50_000).endswith(CUT)
    assert masked(["python", "train.py"]) == "python train.py"


@pytest.mark.parametrize(
    ("before", "secret", "after"),
    [
        ("postgresql://me:", "s3cr3t", "@host/db"),
        ("could not connect to postgresql://me:", "s3cr3t", "@host/db (timed out)"),
        ("https://", "s3cr3t", "@github.com/me"),
        ("https://me@corp:", "s3cr3t", "@host"),
        ("see http://host:80/x,postgresql://me:", "s3cr3t", "@host"),
        ("password_for_the_database: ", "s3cr3t", " is wrong"),
        ("Authorization: Bearer ", "s3cr3t", " refused"),
        ("?x?token=", "s3cr3t", "&y=1"),
        ("", "sk-0123456789", " is no key"),
        ("", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", ""),
        ("HF_TOKEN=", "s3cr3t", ""),
    ],
)
def test_a_secret_in_a_text_is_masked(before: str, secret: str, after: str) -> None:
    assert scrubbed(f"{before}{secret}{after}") == f"{before}{MASK}{after}"


def test_a_secret_that_is_cut_is_not_shown_in_part() -> None:
    """What tells it may lie beyond what is looked at."""
    for length in (LONGEST_TEXT - 30, LONGEST_TEXT, LONGEST_TEXT + MARGIN, 10 * LONGEST_TEXT):
        for before in ("a" * (LONGEST_TEXT - 30) + " postgresql://me:", "postgresql://me:"):
            assert "s3s3" not in scrubbed(f"{before}{'s3' * length}@host")
            assert "s3s3" not in masked([f"{before}{'s3' * length}@host"])
    assert "s3s3" not in masked([f"--{'a' * 5000}token", "s3s3"])


@given(st.text(max_size=60), st.integers(1, 80))
def test_a_text_without_a_secret_stays_and_no_text_becomes_longer_than_its_limit(text: str, longest: int) -> None:
    assert len(scrubbed(text, longest)) <= longest
    assert scrubbed("loss is NaN") == "loss is NaN"
    assert "hunter2" not in scrubbed(f"{text} postgresql://me:hunter2@host", 10**6)
