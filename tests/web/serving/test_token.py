"""Where the token of the pages comes from, and which files are refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.users import User
from trainwatt.errors import ConfigurationError
from trainwatt.web.serving.token import LONGEST, SHORTEST, Source, token_of

TOKEN = "a-token-of-enough-length"


def file_of(path: Path, text: str | bytes = f"{TOKEN}\n", mode: int = 0o600) -> str:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return str(path)


def refused(file: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        token_of(None, file, {})
    said = str(error.value)
    assert TOKEN not in said
    assert "***" not in said  # nothing of it is taken for a secret
    return said


def test_the_argument_overrides_the_environment() -> None:
    environ = {"TRAINWATT_TOKEN": TOKEN}
    assert token_of(None, None, environ).value == TOKEN
    assert token_of("another-of-such-length", None, environ).source is Source.ARGUMENT
    assert token_of("new", None, environ).source is Source.RANDOM
    assert token_of(None, None, {"TRAINWATT_TOKEN": ""}).source is Source.RANDOM
    assert token_of(None, None, {}).value != token_of(None, None, {}).value


def test_a_token_is_not_in_what_a_traceback_shows() -> None:
    assert TOKEN not in repr(token_of(TOKEN, None, {}))


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_file_of_ones_own_is_read_without_the_end_of_its_line(tmp_path: Path, end: str) -> None:
    assert token_of(None, file_of(tmp_path / "token", TOKEN + end), {}).value == TOKEN
    assert token_of(None, file_of(tmp_path / "read-only", TOKEN + end, 0o400), {}).value == TOKEN
    (tmp_path / "link").symlink_to(tmp_path / "token")
    assert token_of(None, str(tmp_path / "link"), {}).value == TOKEN


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o604, 0o602, 0o601, 0o666])
def test_a_file_that_others_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    file = file_of(tmp_path / "token", mode=mode)
    assert refused(file) == f"the file {file} can be read or written by other users; run: chmod 600 {file}"


def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    for file in (str(tmp_path / "pipe"), str(tmp_path / "folder"), "/dev/zero", "/dev/null"):
        assert f"the file {file} is not a regular file" in refused(file)
    for file in (str(tmp_path / "none"), str(tmp_path / "token") + "/x", "a\0b", ""):
        assert "cannot be read" in refused(file)


@pytest.mark.parametrize(
    "text", ["", "\n", "short\n", f"{TOKEN}\nand more\n", f" {TOKEN}\n", "x" * 300, "é" * 20, b"\xff" * 20, b"\0" * 20]
)
def test_a_file_with_something_else_is_refused(tmp_path: Path, text: str | bytes) -> None:
    assert "16 to 256 printable ASCII characters" in refused(file_of(tmp_path / "token", text))


def test_a_file_without_an_end_is_not_read_to_it(tmp_path: Path) -> None:
    with open(tmp_path / "large", "wb") as large:
        large.truncate(10**12)
    (tmp_path / "large").chmod(0o600)
    assert "16 to 256" in refused(str(tmp_path / "large"))


@pytest.mark.slow
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    """Also if it can be read: whoever owns it knows the token. That of root is taken."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    theirs = file_of(tmp_path / "theirs", mode=0o600)
    os.chown(theirs, 4242, 4242)
    assert "belongs to another user (uid 4242)" in refused(theirs)
    user = User(4243)
    try:
        ended = user.cli("serve", "--token-file", theirs)
        assert ended.code == 2
        assert "Permission denied" in ended.err
    finally:
        user.close()


@given(st.text(max_size=300))
def test_a_token_can_be_sent_in_an_address_and_in_a_header(text: str) -> None:
    sendable = SHORTEST <= len(text) <= LONGEST and all(33 <= ord(character) <= 126 for character in text)
    try:
        token = token_of(text, None, {})
    except ConfigurationError:
        assert not sendable
    else:
        assert token.value == text or text == "new"
        assert sendable or text == "new"
