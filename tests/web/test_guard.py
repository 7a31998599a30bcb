"""Who may read the pages, and what may be asked: the token, cookies, other sites, and addresses that are too long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.fakes.raw_http import connect, request
from tests.fakes.served import served
from tests.fakes.world import HANGS_S
from tests.web.test_serve import TOKEN, many
from trainwatt.web.guard import cookie_name, cookie_value

OURS = f"{cookie_name(TOKEN)}={cookie_value(TOKEN)}"


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return many(tmp_path_factory.mktemp("guarded") / "runs.db", 4)


@pytest.fixture(scope="module")
def closed(db: Path) -> Iterator[str]:
    """Pages with a token."""
    with served(db, TOKEN) as address:
        yield address


@pytest.fixture(scope="module")
def site(db: Path) -> Iterator[str]:
    """Pages without one."""
    with served(db) as address:
        yield address


def code_of(address: str, path: str, *headers: str) -> int:
    with connect(address, request(path, *headers)) as connection:
        return int(connection.recv(12).partition(b" ")[2])


# ---- the token


@pytest.mark.parametrize(
    "cookies",
    [
        OURS,
        f'prefs={{"theme": "dark", "n": [1, 2]}}; {OURS}',
        f"a b=c d; =; ;;; novalue; x=\x80\xff; {OURS}",
        f"{cookie_name(TOKEN)}=of-another-server; {OURS}",
        f"{OURS}; {cookie_name(TOKEN)}=of-another-server",
        f"{cookie_name(TOKEN)}=; {OURS}",
        f"trainwatt-token=an-older-name; {OURS}",
        f'session="unclosed; {OURS}',
        f'{cookie_name(TOKEN)}="{cookie_value(TOKEN)}"',
        f"csrf=$Path; $Version=1; {OURS};",
        "; ".join(f"c{i}={'x' * 4000}" for i in range(180)) + f"; {OURS}",
        f"{OURS};" + ";" * 100_000,
    ],
)
def test_cookies_of_other_services_lock_nobody_out(closed: str, cookies: str) -> None:
    """All services of a host get the cookies of all of them, whatever their ports are."""
    with connect(closed) as connection:
        connection.sendall(request("/api/runs", f"Cookie: {cookies}").encode("latin-1"))
        assert connection.recv(12) == b"HTTP/1.1 200"


def test_the_link_works_with_any_cookies(closed: str) -> None:
    for cookies in ("x" * 200_000, f"{cookie_name(TOKEN)}=wrong", '"', "=;=" * 1000):
        assert code_of(closed, f"/?token={TOKEN}", f"Cookie: {cookies}") == 303
    assert code_of(closed, f"/?token={TOKEN}", "Cookie: " + "x" * 2_000_000) == 400


@pytest.mark.parametrize(
    "cookies",
    [
        f"{cookie_name(TOKEN)}=",
        f"{cookie_name(TOKEN)}",
        f"{cookie_name(TOKEN)}={TOKEN}",
        f"x{OURS}",
        f"{OURS}0",
        f"{cookie_name(TOKEN)}x={cookie_value(TOKEN)}",
        f"a={OURS}",
        f"{cookie_name('another-token-of-length')}={cookie_value('another-token-of-length')}",
    ],
)
def test_no_other_cookie_opens(closed: str, cookies: str) -> None:
    assert code_of(closed, "/", f"Cookie: {cookies}") == 401
    assert code_of(closed, "/static/app.js", f"Cookie: {cookies}") == 401
    assert code_of(closed, "/runs/run-0001/live", f"Cookie: {cookies}") == 401


def test_two_cookie_headers_are_read(closed: str) -> None:
    assert code_of(closed, "/", "Cookie: a=1", f"Cookie: {OURS}") == 200


def test_two_servers_of_one_host_keep_each_their_own(db: Path) -> None:
    other = "another-token-of-length"
    with served(db, TOKEN) as one, served(db, other) as two, requests.Session() as browser:
        assert browser.get(f"{one}/?token={TOKEN}", timeout=HANGS_S).status_code == 200
        assert browser.get(f"{two}/?token={other}", timeout=HANGS_S).status_code == 200
        assert browser.get(f"{one}/", timeout=HANGS_S).status_code == 200
        assert TOKEN not in "".join(str(cookie.value) for cookie in browser.cookies)


def test_cookies_of_servers_that_have_ended_do_not_pile_up(closed: str) -> None:
    """Each start has a token of its own. All services of the host get the cookies of all of them, and some take 8 kB in all."""
    old = [cookie_name(f"token-of-the-start-{i}") for i in range(30)]
    with requests.Session() as browser:
        for name in old:
            browser.cookies.set(name, "0" * 64, domain="127.0.0.1", path="/")
        assert browser.get(f"{closed}/?token={TOKEN}", timeout=HANGS_S).status_code == 200
        kept = [cookie.name for cookie in browser.cookies]
    assert cookie_name(TOKEN) in kept
    assert len(kept) == 1 + 8
    assert {name for name in kept if name in old} == set(old[-8:])


def test_a_link_goes_on_to_its_page_without_the_token(closed: str) -> None:
    answer = requests.get(f"{closed}/compare?run=run-0001&token={TOKEN}&run=run-0002", allow_redirects=False, timeout=HANGS_S)
    assert answer.headers["Location"] == "/compare?run=run-0001&run=run-0002"
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=lax" in answer.headers["Set-Cookie"]
    assert TOKEN not in answer.headers["Set-Cookie"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["//evil.example/", "/%5cevil.example/", "///evil.example", "/%2f%2fevil.example", "/%0d%0aX: y"])
def test_a_link_leads_to_no_other_site(closed: str, path: str) -> None:
    with connect(closed, request(f"{path.replace(' ', '%20')}?token={TOKEN}")) as connection:
        head = connection.recv(4000).partition(b"\r\n\r\n")[0].decode()
    [location] = [line.partition(": ")[2] for line in head.splitlines() if line.lower().startswith("location")]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert "\nX: y" not in head


def test_a_browser_without_the_token_is_asked_for_it(closed: str) -> None:
    asked = requests.get(f"{closed}/runs/run-0001", headers={"Accept": "text/html,*/*"}, timeout=HANGS_S)
    assert asked.status_code == 401
    assert '<input type="password" id="token" name="token"' in asked.text
    assert "runs.db" not in asked.text
    assert "run-0001" not in asked.text
    assert "default-src 'none'" in asked.headers["Content-Security-Policy"]
    plain = requests.get(closed, timeout=HANGS_S)
    assert plain.text == "open the link that `trainwatt serve` printed; it has the token\n"


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", "Bearer \xe9" + "x" * 23]
)
def test_no_other_header_opens(closed: str, given: str) -> None:
    with connect(closed) as connection:
        connection.sendall(request("/", f"Authorization: {given}").encode("latin-1"))
        assert connection.recv(12) == b"HTTP/1.1 401"


# ---- other sites


@pytest.mark.parametrize(
    ("site_", "mode", "dest", "code"),
    [
        ("none", "navigate", "document", 200),
        ("same-origin", "cors", "empty", 200),
        ("same-origin", "no-cors", "script", 200),
        ("cross-site", "navigate", "document", 200),
        ("same-site", "navigate", "document", 200),
        ("cross-site", "no-cors", "script", 403),
        ("cross-site", "cors", "empty", 403),
        ("same-site", "no-cors", "image", 403),
        ("cross-site", "navigate", "iframe", 403),
        ("same-site", "navigate", "object", 403),
        ("nonsense", "no-cors", "image", 403),
    ],
)
def test_a_page_of_another_site_loads_nothing_from_here(site: str, site_: str, mode: str, dest: str, code: int) -> None:
    """A service on another port of this host is the same site, and so its pages may send the cookies of these ones."""
    headers = f"Sec-Fetch-Site: {site_}", f"Sec-Fetch-Mode: {mode}", f"Sec-Fetch-Dest: {dest}"
    assert code_of(site, "/api/runs", *headers) == code


# ---- addresses


@pytest.mark.parametrize(
    "query",
    [
        "page=" + "9" * 5000,
        "page=" + "9" * 10,
        "page=1&page=" + "9" * 5000,
        "q=" + "x" * 60_000,
        "q=" + "x" * 2001,
        "q=" + "%F0%9F%98%80" * 2001,
        "project=" + "x" * 5000,
        "group=" + "x" * 5000,
        "status=" + "x" * 5000,
        "sort=" + "x" * 5000,
        "q=a%00b",
        "nothing=" + "x" * 5000,
        "x" * 5000 + "=1",
        "&".join("q=1" for _ in range(300)),
        "&" * 300,
    ],
)
def test_a_question_that_is_too_long_is_wrong(site: str, query: str) -> None:
    for page in ("/", "/api/runs", "/projects", "/runs/run-0001", "/static/app.js"):
        answer = requests.get(f"{site}{page}?{query}", timeout=HANGS_S)
        assert answer.status_code == 400, page
        assert len(answer.text) < 200
        if page.startswith("/api/"):
            assert "at most" in answer.json()["error"]


@pytest.mark.parametrize("run", ["x" * 3000, "%00", "run-0001%00", "%F0%9F%98%80" * 3000])
def test_a_name_that_is_too_long_is_wrong(site: str, run: str) -> None:
    for page in (f"/runs/{run}", f"/runs/{run}/live", f"/api/runs/{run}", f"/compare?run={run}&run=run-0001", f"/projects?name={run}"):
        assert requests.get(site + page, timeout=HANGS_S).status_code == 400, page


@pytest.mark.parametrize("run", ["x" * 1900, "%25", "%ED%A0%80", "..", "%2e%2e", "'%22;--", "%0a"])
def test_a_name_that_none_has_is_not_found(site: str, run: str) -> None:
    assert requests.get(f"{site}/api/runs/{run}", timeout=HANGS_S).status_code == 404
    assert requests.get(f"{site}/compare?run={run}&run=run-0001", timeout=HANGS_S).status_code == 404


def test_too_many_runs_are_not_compared(site: str) -> None:
    answer = requests.get(f"{site}/compare", params={"run": ["run-0001"] * 51}, timeout=HANGS_S)
    assert answer.status_code == 400
    assert "at most 50" in answer.text
    assert requests.get(f"{site}/compare", params={"run": ["run-0001", "run-0002"] * 25}, timeout=HANGS_S).status_code == 200


def test_a_long_text_that_is_allowed_is_searched_for(site: str) -> None:
    for text in ("x" * 2000, "%" * 2000, "_" * 2000, "😀" * 600):
        assert requests.get(f"{site}/api/runs", params={"q": text}, timeout=HANGS_S).json()["count"] == 0
