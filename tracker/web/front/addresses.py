"""The addresses that the first page links to."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from ...core.contract import OfRunJson
from ...core.run import Status
from ...presentation.overview.places import Places
from ..asked import Asked

PAGE = "/"
"""The first page."""
LIVE = "/live"
"""Where the news of what trains now come from."""
SWEEP = "/sweep"


def run_place(view: OfRunJson) -> str:
    """The page of a run."""
    return f"/runs/{quote(view['run']['id'], safe='')}"


def project_place(name: str) -> str:
    """The page of a project."""
    return f"/projects?{urlencode({'name': name})}"


def sweep_place(project: str, group: str) -> str:
    """The page of a sweep."""
    return f"{SWEEP}?{urlencode({'project': project, 'group': group})}"


def comparison_of(ids: Sequence[str]) -> str:
    """The comparison of runs, the first of which is the baseline."""
    return f"/compare?{urlencode([('run', run_id) for run_id in ids])}"


PLACES = Places(run_place, project_place, sweep_place, Asked(status=Status.RUNNING).address())
