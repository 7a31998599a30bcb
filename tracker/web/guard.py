"""Access: who may send requests, and what a browser may do with the answers. Every request and every response passes through here."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .asked import fault_of

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
MOST_SERVERS, MOST_DELETED = 8, 50
"""How many other servers of the host keep their cookies, and how many cookies an answer deletes."""
WITHOUT_TOKEN = "open the link that `trainwatt serve` printed, or give its token here"
SIGN_IN = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>trainwatt</title></head>
<body><form><p><label for="token">{WITHOUT_TOKEN}:</label></p>
<p><input type="password" id="token" name="token" autocomplete="off" required autofocus> <button>Open</button></p></form></body></html>
"""


class Guard:
    """Lets GET and HEAD requests of a reasonable size pass. If there is a token, a request must have it.

    A token is sent once as `?token=…` and then kept in a cookie, or it is sent as `Authorization: Bearer …`. Without a token, the Host
    header must be a local name. This refuses pages of another site whose name points to this machine (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await (self._refusal(scope) or self._app)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        query = scope["query_string"].decode("latin-1")
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("these pages are read-only\n", 405, {"Allow": "GET, HEAD"})
        if _of_another_site(headers):
            return PlainTextResponse("these pages do not answer the pages of other sites\n", 403)
        if (fault := fault_of(scope["path"], query)) is not None:
            return _wrong(scope["path"], fault)
        if self._token is None:
            local = _is_local(_name(headers.get("host", "")))
            return None if local else PlainTextResponse("use the name localhost in the address\n", 403)
        link = _link(scope["path"], query, headers, self._token)
        return link or (None if _may_pass(headers, self._token) else _sign_in(headers))


def _may_pass(headers: Headers, token: str) -> bool:
    kind, _, given = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and _equal(given.strip(), token):
        return True
    return any(_equal(value, cookie_value(token)) for value in _cookies(headers.getlist("cookie"), cookie_name(token)))


def _link(path: str, query: str, headers: Headers, token: str) -> Response | None:
    """The answer to the link with the token: the browser keeps a cookie, and goes on to the address without the token, so that it is not in
    its history. None if it is another address."""
    pairs = parse_qsl(query, keep_blank_values=True)
    if not any(name == "token" and _equal(value, token) for name, value in pairs):
        return None
    rest = urlencode([(name, value) for name, value in pairs if name != "token"])
    here = "/" + path.lstrip("/\\")  # //name would be another site
    response = RedirectResponse(here + (f"?{rest}" if rest else ""), 303)
    response.set_cookie(cookie_name(token), cookie_value(token), httponly=True, samesite="lax")
    for name in _earlier(headers.getlist("cookie"), cookie_name(token)):
        response.delete_cookie(name, httponly=True, samesite="lax")
    return response


def cookie_name(token: str) -> str:
    """A name of its own for each token: the ports of a host share their cookies, and a second server must not replace that of the first."""
    return f"trainwatt-{_derived(token, 'name')[:16]}"


def cookie_value(token: str) -> str:
    """What the cookie has in place of the token, because other services of the host receive it too."""
    return _derived(token, "cookie")


def _derived(token: str, purpose: str) -> str:
    return hmac.new(token.encode(), purpose.encode(), "sha256").hexdigest()


def _equal(given: str, secret: str) -> bool:
    """Whether they are equal; the time this takes does not tell how much of it is right."""
    return hmac.compare_digest(given.encode(errors="surrogatepass"), secret.encode())


def _cookies(headers: Sequence[str], name: str) -> list[str]:
    """The values of the cookies of a name. Other cookies may have any characters, at which a strict parser would stop."""
    return [value for header in headers for value in re.findall(rf"(?:^|;)\s*{re.escape(name)}=\"?([^;\"]*)", header)]


def _earlier(headers: Sequence[str], name: str) -> list[str]:
    """The cookies of servers that have probably ended: all but the newest. Each start has a cookie of its own, and all services of the host
    get them all. A browser sends the oldest first (RFC 6265, 5.4)."""
    named = (found for header in headers for found in re.findall(r"(?:^|;)\s*(trainwatt-[0-9a-f]{16})=", header))
    others = [other for other in dict.fromkeys(named) if other != name]
    return others[: max(0, len(others) - MOST_SERVERS)][:MOST_DELETED]


def _of_another_site(headers: Headers) -> bool:
    """Whether a page of another site, or of another port of this host, loads this as a part of itself. Following a link is allowed.

    All browsers of today say so (Fetch Metadata Request Headers, W3C); programs do not.
    """
    site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "navigate")
    return site not in ("none", "same-origin") and (mode != "navigate" or headers.get("sec-fetch-dest", "document") != "document")


def _sign_in(headers: Headers) -> Response:
    kept = {"WWW-Authenticate": "Bearer"}
    if "text/html" in headers.get("accept", ""):
        return HTMLResponse(SIGN_IN, 401, kept)
    return PlainTextResponse(f"{WITHOUT_TOKEN.partition(',')[0]}; it has the token\n", 401, kept)


def _wrong(path: str, fault: str) -> Response:
    return JSONResponse({"error": fault}, 400) if path.startswith("/api/") else PlainTextResponse(f"{fault}\n", 400)


def _name(host: str) -> str:
    """The name in a Host header, without its port."""
    return re.sub(r":\d*\Z", "", host).lower()


def _is_local(name: str) -> bool:
    """Whether a name can only mean this machine."""
    try:
        return name == "localhost" or ipaddress.ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False
