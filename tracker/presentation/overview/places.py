"""PURE: where the pages are that a figure leads to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ...core.contract import OfRunJson


class Places(NamedTuple):
    """The addresses of the pages of a run, of a project, of a sweep (by project and group), and of the runs that have not ended."""

    run: Callable[[OfRunJson], str]
    project: Callable[[str], str]
    sweep: Callable[[str, str], str]
    running: str
