"""The cloud region of this machine, from the metadata address of the cloud. It is asked only for `zone="auto"`.

The address is link-local: a request does not leave the host. AWS (IMDSv2), Google and Azure each require a different header, and an answer
counts only in the format of that cloud.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from .http import within

METADATA = "http://169.254.169.254"
TIMEOUT_S = 0.5


def detect_region(base_url: str = METADATA, timeout_s: float = TIMEOUT_S) -> str | None:
    """The region as a zone, `aws:eu-north-1`; None if no cloud answers, after at most about two seconds."""
    base = base_url.rstrip("/")
    token = _ask(f"{base}/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"}, timeout_s, method="PUT")
    if token is None:
        return None  # nothing at that address at all
    if token:
        found = _ask(f"{base}/latest/meta-data/placement/region", {"X-aws-ec2-metadata-token": token}, timeout_s) or ""
        if re.fullmatch(r"[a-z]+(-[a-z]+)+-\d+", found):
            return f"aws:{found}"
    found = _ask(f"{base}/computeMetadata/v1/instance/zone", {"Metadata-Flavor": "Google"}, timeout_s) or ""
    if match := re.fullmatch(r"projects/\d+/zones/([a-z]+-[a-z]+\d+)-[a-z0-9]+", found):
        return f"gcp:{match[1]}"
    found = _ask(f"{base}/metadata/instance/compute/location?api-version=2021-02-01&format=text", {"Metadata": "true"}, timeout_s) or ""
    return f"azure:{found}" if re.fullmatch(r"[a-z]+\d?", found) else None


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        return None


def _ask(url: str, headers: Mapping[str, str], timeout_s: float, method: str = "GET") -> str | None:
    """The answer; "" for an error, None if nothing answers."""

    def ask() -> tuple[int, bytes, str]:
        opener = build_opener(ProxyHandler({}), _NoRedirect)
        try:
            with opener.open(Request(url, headers=dict(headers), method=method), timeout=timeout_s) as response:
                return response.status, response.read(1024), ""
        except Exception as error:  # an error of any kind means that there is no cloud
            return getattr(error, "code", 0), b"", type(error).__name__

    status, content, _ = within(timeout_s, ask)
    if not status:
        return None
    return content.decode("ascii", "replace").strip() if status == 200 else ""
