"""PURE: the forms, and what each of them lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..words.safe_text import json_text
from .boamps import boamps
from .cyclonedx import cyclonedx
from .form import Form
from .gpai import gpai
from .huggingface import huggingface
from .sci_ai import sci_ai
from .spdx import spdx

if TYPE_CHECKING:
    from ...core.contract import DisclosureJson


def as_json(of: DisclosureJson) -> Form:
    """All that the forms are made of."""
    return Form(json_text(of, 2), ())


FORMS: Mapping[str, Callable[[DisclosureJson], Form]] = {
    "gpai": gpai,
    "huggingface": huggingface,
    "cyclonedx": cyclonedx,
    "spdx": spdx,
    "boamps": boamps,
    "sci-ai": sci_ai,
    "json": as_json,
}


STAGES_OF: Mapping[str, tuple[str, ...]] = {"huggingface": ("experimentation", "training")}
"""The stages whose method a form tells, where it is not all of them."""
