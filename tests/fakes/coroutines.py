"""Coroutines in tests."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in a thread of its own: the browser of other tests leaves an event loop running in the main thread of a worker."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main).result()
