"""PURE: functions of every kind, measured from their start to their end.

A coroutine ends when it returns, a generator when it is exhausted or closed. The measured function is of the same kind as the function.
"""

from __future__ import annotations

import inspect
import types
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from functools import partial, wraps
from types import AsyncGeneratorType, CoroutineType, GeneratorType, TracebackType
from typing import Any, Protocol, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


class Measured(Protocol):
    """One call of a function: entered when it starts, left when it ends."""

    def __enter__(self) -> object: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def suspend(self) -> None:
        """The function has handed an item over and waits. The work that is done meanwhile is not its own."""
        ...

    def resume(self) -> None:
        """The function goes on, perhaps in another context."""
        ...


def measured(function: F, begin: Callable[[], Measured]) -> F:
    """The function, with each call measured by what `begin` returns."""
    if isinstance(function, (staticmethod, classmethod)):
        return cast(F, type(function)(measured(function.__func__, begin)))
    if _is(inspect.iscoroutinefunction, function):
        wrapper = _coroutine_function(function, begin)
    elif _is(inspect.isasyncgenfunction, function):
        wrapper = _async_generator_function(function, begin)
    elif _is(inspect.isgeneratorfunction, function):
        wrapper = _generator_function(function, begin)
    else:
        wrapper = _plain_function(function, begin)
    return cast(F, wraps(function)(wrapper))


def _is(kind: Callable[[object], bool], function: object) -> bool:
    """Whether a function is of a kind, or an object whose call is."""
    while isinstance(function, partial):
        function = function.func
    return kind(function) or kind(inspect.getattr_static(type(function), "__call__"))


def _is_awaited(function: object) -> bool:
    """Whether a function is a generator function that `types.coroutine` has made a coroutine function."""
    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_flags & inspect.CO_ITERABLE_COROUTINE)


def _coroutine_function(function: Callable[..., Any], begin: Callable[[], Measured]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        with begin():
            return await function(*args, **kwargs)

    return wrapper


def _generator_function(function: Callable[..., Any], begin: Callable[[], Measured]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        call = begin()
        with call:
            return (yield from _steps(function(*args, **kwargs), call))

    return types.coroutine(wrapper) if _is(_is_awaited, function) else wrapper


def _async_generator_function(function: Callable[..., Any], begin: Callable[[], Measured]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        call = begin()
        with call:
            source = function(*args, **kwargs)
            step, given = source.asend, None
            while True:  # asynchronous generators have no `yield from`
                try:
                    item = await step(given)
                except StopAsyncIteration:
                    return
                call.suspend()
                try:
                    given = yield item
                    step = source.asend
                except GeneratorExit:
                    call.resume()
                    await source.aclose()
                    raise
                except BaseException as error:  # it was thrown into the generator
                    step, given = source.athrow, error
                call.resume()

    return wrapper


def _plain_function(function: Callable[..., Any], begin: Callable[[], Measured]) -> Callable[..., Any]:
    """Also a function that another decorator has made of a coroutine function or a generator function: what it returns has not begun."""
    inner = inspect.unwrap(function)
    generates = _is(inspect.isgeneratorfunction, inner) and not _is(_is_awaited, inner)
    generates_async = _is(inspect.isasyncgenfunction, inner)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        call = begin()
        call.__enter__()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            call.__exit__(type(error), error, error.__traceback__)
            raise
        if isinstance(result, CoroutineType) and inspect.getcoroutinestate(result) == inspect.CORO_CREATED:
            return _rest_of(call, lambda kept: _awaited(result, kept))
        if generates and isinstance(result, GeneratorType) and inspect.getgeneratorstate(result) == inspect.GEN_CREATED:
            return _rest_of(call, lambda kept: _generated(result, kept))
        if generates_async and isinstance(result, AsyncGeneratorType) and result.ag_frame is not None:
            return _rest_of(call, lambda kept: _async_generator_function(lambda: result, lambda: kept)())
        call.__exit__(None, None, None)
        return result

    return wrapper


class _Kept:
    """A call that has been entered already, and waits for what the function returned to begin."""

    def __init__(self, call: Measured) -> None:
        self.suspend, self.resume = call.suspend, call.resume
        self._call = call
        self._begun = False
        call.suspend()

    def __enter__(self) -> None:
        self._begun = True
        self._call.resume()

    def __exit__(self, *exception: Any) -> None:
        self._call.__exit__(*exception)

    def abandon(self) -> None:
        """What the function returned is gone."""
        if not self._begun:
            self._call.__exit__(None, None, None)


T = TypeVar("T")


def _rest_of(call: Measured, rest: Callable[[_Kept], T]) -> T:
    kept = _Kept(call)
    result = rest(kept)
    weakref.finalize(result, kept.abandon).atexit = False
    return result


async def _awaited(source: Coroutine[Any, Any, T], kept: _Kept) -> T:
    with kept:
        return await source


def _generated(source: Generator[Any, Any, T], kept: _Kept) -> Generator[Any, Any, T]:
    with kept:
        return (yield from _steps(source, kept))


def _steps(source: Generator[Any, Any, T], call: Measured) -> Generator[Any, Any, T]:
    """What `yield from source` does, with the call suspended while the consumer has an item."""
    step: Callable[[Any], Any] = source.send
    given: Any = None
    while True:
        try:
            item = step(given)
        except StopIteration as end:
            return cast(T, end.value)
        call.suspend()
        try:
            given = yield item
            step = source.send
        except GeneratorExit:
            call.resume()
            source.close()
            raise
        except BaseException as error:  # it was thrown into the generator
            step, given = source.throw, error
        call.resume()
