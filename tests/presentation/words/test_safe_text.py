"""Text from anywhere, shown in a terminal, on a page and in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwatt.presentation.words.safe_text import clean, cleaned, csv_cell, html, lines, visible

ANY = st.text(st.characters())  # with controls, surrogates and unassigned characters
NAUGHTY = ("a\x1b[31mb", "a\x9b31mb", "a\r\nb\tc", "\x07\x00", "\u202eabc\u2066", "\ud800", "\u2028", "\U000e0041", "\uffff", "\x7f")


def unprintable(text: str) -> set[str]:
    """The characters of a text that a terminal would obey, or that it could not show."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") or (c.isspace() and c != " ")}


@given(ANY)
def test_a_line_is_one_line_without_what_a_terminal_obeys(text: str) -> None:
    assert unprintable(clean(text)) == set()
    assert clean(clean(text)) == clean(text)
    clean(text).encode()  # and without lone surrogates


@given(ANY)
def test_a_message_keeps_its_lines_and_nothing_else_of_the_kind(text: str) -> None:
    assert unprintable(lines(text)) <= {"\n"}
    assert lines(text).count("\n") == text.count("\n")


@pytest.mark.parametrize("text", ["digits/lr=0.1", "漢字 🔥", "naïve [bold]", "हिन्दी"])
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert clean(text) == lines(text) == visible(text) == text


def test_what_is_shown_of_naughty_text() -> None:
    assert clean("a\x1b[31m\nb\tc\u202e\x9b") == "a [31m b c"
    assert clean("👨‍👩‍👧") == "👨👩👧"
    assert clean("\ud800\uffff") == "��"
    assert lines("  two\n  lines\x1b[2J\r") == "  two\n  lines [2J "


def test_every_string_of_a_view_is_cleaned() -> None:
    view = {"run": {"tags": {"k\x1b": "v\x1b"}, "duration_s": 1.5, "name": None}, "events": [{"detail": "a\nb"}], "n": (1, True, "\x07x")}
    assert cleaned(view) == {
        "run": {"tags": {"k": "v"}, "duration_s": 1.5, "name": None}, "events": [{"detail": "a b"}], "n": [1, True, "x"],
    }  # fmt: skip
    assert view["run"]["tags"] == {"k\x1b": "v\x1b"}  # type: ignore[index]


class Page(HTMLParser):
    """The text and the tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.title: str | None = None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.title = dict(attrs).get("title")

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(st.characters(exclude_characters="\r")))
def test_a_page_shows_text_as_text(text: str) -> None:
    page = Page(f'<p title="{html(text)}">{html(text, quote=False)}</p>')
    assert page.tags == ["p"]
    assert (page.title, page.text) == (visible(text), visible(text))
    assert unprintable(visible(text)) & set("\x1b\x9b\x07\x00\u202e") == set()


FORMULAS = tuple("=+-@＝＋－＠")


@given(ANY)
def test_a_cell_is_no_formula(text: str) -> None:
    cell = csv_cell(text)
    assert not cell.startswith((*FORMULAS, "\t", "\r"))
    assert cell.replace("'", "") == text.replace("'", "")


@given(st.text(st.sampled_from("a1=+-@ \"',;|\t\r\n\u2028"), max_size=30), st.sampled_from(",;|\t"))
def test_no_cell_that_a_spreadsheet_makes_is_a_formula_whatever_its_delimiter(text: str, delimiter: str) -> None:
    """As written by the csv module with commas, and read with any delimiter."""
    written = io.StringIO()
    csv.writer(written).writerow(["x", csv_cell(text), 1.5])
    read = [cell for row in csv.reader(io.StringIO(written.getvalue(), newline=""), delimiter=delimiter) for cell in row]
    split = re.split(r"[,;|\t\r\n\v\f\x85\u2028\u2029]", csv_cell(text))  # by a reader that knows no quotes
    assert [cell for cell in (*read, *split) if cell.lstrip(' "').startswith(FORMULAS)] == []


def test_what_is_no_formula_stays() -> None:
    for text in ("lr=0.1,b=2", "a-b; c+d", '{"lr": "-1", "mail": "me@host"}', "python train.py --lr 0.1 -x", "a = b", "1e-3;2e-3", "it's"):
        assert csv_cell(text) == text
    assert csv_cell("a;=cmd|'/C calc'!A0") == "a;'=cmd|'/C calc'!A0"
    assert csv_cell('a\n"=1+1"') == 'a\n"\'=1+1"'
    assert csv_cell(" =1") == "' =1"


def test_a_cell_of_blanks_takes_a_time_that_grows_with_its_length() -> None:
    for piece in (" ", ", ", "x\n", '"', "' ", ";'"):  # a million steps; the square of it would take minutes
        assert csv_cell(piece * 1_000_000) == piece * 1_000_000


@pytest.mark.parametrize("text", NAUGHTY)
def test_naughty_text(text: str) -> None:
    assert unprintable(clean(text)) == unprintable(lines(text)) - {"\n"} == set()
