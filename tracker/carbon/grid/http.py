"""One GET for JSON that always ends in time and never shows a token.

requests and urllib3's Retry do the work; they are imported only for a request. The timeouts of a connection do not bound a name server that
hangs or an answer that arrives byte by byte. So the request runs in a thread that is abandoned at the deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..._version import __version__
from ...machine.threads import start_thread
from .base import GridError, RefusedError

LONGEST_ANSWER_BYTES = 20_000_000
RETRIED = (429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for a connection, for the next byte, between two tries, and for the whole request."""

    connect_s: float = 5.0
    read_s: float = 10.0
    longest_pause_s: float = 20.0
    deadline_s: float = 60.0
    tries: int = 3
    backoff_s: float = 0.5


def get_json(who: str, url: str, params: Mapping[str, str], headers: Mapping[str, str], patience: Patience) -> Any:
    """The JSON at an address. Raises GridError with the provider and the reason, but without headers or the answer."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    status, content, failure = within(patience.deadline_s, lambda: _ask(url, params, headers, patience))
    if failure:  # not chained to the caught error, which holds the request and so the token
        raise GridError(f"{who} gave no answer ({failure}) at {host}; try again later, or give an intensity of your own")
    if status in (401, 403):
        raise RefusedError(f"{who} refuses the token, or its plan does not cover this (HTTP {status}); check the token")
    if status in (400, 404):
        raise GridError(f"{who} has nothing for that zone and time (HTTP {status}); give an intensity of your own")
    if status == 429:
        raise GridError(f"{who} received too many requests (HTTP 429) and asks for a longer pause than trainwatt waits; try again later")
    if status != 200:
        raise GridError(f"{who} failed (HTTP {status}); try again later, or give an intensity of your own")
    parsed = _parse(content)
    if parsed is None:
        raise GridError(f"{who} gave an answer that is not complete JSON; try again later")
    return parsed


def within(deadline_s: float, ask: Callable[[], tuple[int, bytes, str]]) -> tuple[int, bytes, str]:
    """The result of `ask` (HTTP status, body, or a reason if there is none); at the deadline, a reason that says it took too long."""
    found: list[tuple[int, bytes, str]] = []
    try:
        thread = start_thread(lambda: found.append(ask()), "trainwatt-grid")
    except RuntimeError as error:
        return 0, b"", str(error)
    thread.join(deadline_s)
    return found[0] if found else (0, b"", f"nothing within {deadline_s:g} s")


def _parse(content: bytes) -> Any:
    import json

    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _ask(url: str, params: Mapping[str, str], headers: Mapping[str, str], patience: Patience) -> tuple[int, bytes, str]:
    try:
        return _get(url, params, headers, patience)
    except ImportError:
        return 0, b"", "the package requests is not installed: pip install requests"
    except Exception as error:  # of any kind; its text is not shown, because it may quote a header
        return 0, b"", type(error).__name__


def _get(url: str, params: Mapping[str, str], headers: Mapping[str, str], patience: Patience) -> tuple[int, bytes, str]:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    class Bounded(Retry):
        """Waits as long as Retry-After says, unless that is too long; then the answer is final."""

        def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
            return status_code in RETRIED and super().is_retry(method, status_code, has_retry_after)

        def get_retry_after(self, response: Any) -> float | None:
            asked: float | None = super().get_retry_after(response)
            if asked is not None and asked > patience.longest_pause_s:
                raise _TooLong(response.status)
            return asked

    retry = Bounded(
        total=patience.tries - 1, connect=patience.tries - 1, read=0, status=patience.tries - 1, other=0, redirect=0,
        status_forcelist=RETRIED, allowed_methods=("GET",), backoff_factor=patience.backoff_s, raise_on_status=False,
        respect_retry_after_header=True,
    )  # fmt: skip
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=retry))
        try:
            response = session.get(
                url, params=params, headers={**headers, "User-Agent": f"trainwatt/{__version__}"}, stream=True,
                timeout=(patience.connect_s, patience.read_s), allow_redirects=False,  # a redirect would carry the token along
            )  # fmt: skip
        except _TooLong as error:
            return error.status, b"", ""
        with response:
            content = b""
            for chunk in response.iter_content(65536):
                content += chunk
                if len(content) > LONGEST_ANSWER_BYTES:
                    return 0, b"", "an answer without end"
            return response.status_code, content, ""


class _TooLong(Exception):
    """Retry-After is longer than we wait."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status
