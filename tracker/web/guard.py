"""Access: who may send requests, and what a browser may do with the answers. Every request and every response passes through here."""

from __future__ import annotations

import re
import secrets
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL_NAMES = frozenset(("localhost", "127.0.0.1", "[::1]"))
COOKIE = "trainwatt-token"

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


class Guard:
    """Lets GET and HEAD requests pass. If there is a token, a request must have it.

    Without a token, the Host header must be a local name. This refuses pages of another site whose name points to this machine (DNS
    rebinding). A token is sent once as `?token=…` and then kept in a cookie, or it is sent as `Authorization: Bearer …`.
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
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("these pages are read-only\n", 405, {"Allow": "GET, HEAD"})
        if self._token is None:
            return (
                None if _name(headers.get("host", "")) in LOCAL_NAMES else PlainTextResponse("use the name localhost in the address\n", 403)
            )
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        if self._matches(query.get("token")):
            del query["token"]  # so that it is not in the browser's history
            response = RedirectResponse(scope["path"] + (f"?{urlencode(query)}" if query else ""), 303)
            response.set_cookie(COOKIE, self._token, httponly=True, samesite="strict")
            return response
        kind, _, given = headers.get("authorization", "").partition(" ")
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        if (kind.lower() == "bearer" and self._matches(given)) or (cookie is not None and self._matches(cookie.value)):
            return None
        text = "open the address that `trainwatt serve` printed; it has the token\n"
        return PlainTextResponse(text, 401, {"WWW-Authenticate": "Bearer"})

    def _matches(self, given: str | None) -> bool:
        return given is not None and self._token is not None and secrets.compare_digest(given.encode(), self._token.encode())


def _name(host: str) -> str:
    """The name in a Host header, without its port."""
    return re.sub(r":\d*\Z", "", host).lower()
