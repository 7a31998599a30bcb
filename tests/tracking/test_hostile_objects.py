"""Exceptions, names and values whose own code raises when their text is made, or says what is not so: none of it reaches the training."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.views import events, phase_named
from tests.fakes.world import World
from trainwatt import ConfigurationError, EnergyTracker
from trainwatt.masking.text import LONGEST_TEXT, MARGIN
from trainwatt.texts import error_text, repr_of, text_of
from trainwatt.tracking.outcome import LONGEST_REASON, outcome


class Raises(Exception):
    """An exception that raises `what` when it is asked for its text."""

    def __init__(self, what: BaseException) -> None:
        super().__init__("hidden")
        self.what = what

    def __str__(self) -> str:
        raise self.what

    __repr__ = __str__


class Liar(Exception):
    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return KeyboardInterrupt


class Angry(Exception):
    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise RuntimeError("ask me nothing")


class Text(str):
    def _no(self, *_: object) -> Any:
        raise SystemExit(9)

    __getitem__ = splitlines = isascii = encode = __len__ = __str__ = __repr__ = __format__ = _no  # type: ignore[assignment]


class SaysText(Exception):
    def __str__(self) -> str:
        return Text("no data")


class NotText(Exception):
    def __str__(self) -> str:
        return 7  # type: ignore[return-value]


class Meta(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise SystemExit(9)


class Nameless(Exception, metaclass=Meta):
    pass


class Moduleless(Exception):
    __module__ = 7  # type: ignore[assignment]


class ArgsRaise(Exception):
    @property
    def args(self) -> Any:  # type: ignore[override]
        raise RuntimeError("no arguments")


class Unequal:
    """The code of a `sys.exit` that cannot be compared, as an array of NumPy cannot."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("ambiguous")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        raise ValueError("no text")


def nested(error: BaseException, levels: int) -> BaseException:
    """A group of groups, each with the same group twice."""
    for _ in range(levels):
        error = BaseExceptionGroup("again", [error, error])
    return error


NO_TEXT = "whose text cannot be made>"


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (Raises(ValueError("x")), "failed", f"Raises: <Raises {NO_TEXT}"),
        (Raises(SystemExit(0)), "failed", f"Raises: <Raises {NO_TEXT}"),
        (Raises(KeyboardInterrupt()), "failed", f"Raises: <Raises {NO_TEXT}"),
        (Raises(RecursionError()), "failed", f"Raises: <Raises {NO_TEXT}"),
        (ValueError(Raises(ValueError("x"))), "failed", f"ValueError: <ValueError {NO_TEXT}"),
        (NotText(), "failed", f"NotText: <NotText {NO_TEXT}"),
        (SaysText(), "failed", "SaysText: no data"),
        (ValueError(Text("no data")), "failed", f"ValueError: <ValueError {NO_TEXT}"),
        (Liar("no Ctrl-C"), "failed", "Liar: no Ctrl-C"),
        (Angry("no data"), "failed", "Angry: no data"),
        (Nameless("no data"), "failed", "Nameless: no data"),
        (Moduleless("no data"), "failed", "Moduleless: no data"),
        (ArgsRaise("no data"), "failed", "ArgsRaise: no data"),
        (ValueError(list(range(10**6))), "failed", f"ValueError: [{', '.join(map(str, range(20)))}, ...]"),
        (KeyError("x"), "failed", "KeyError: 'x'"),
        (ValueError(), "failed", "ValueError"),
        (ValueError("loss", 3), "failed", "ValueError: ('loss', 3)"),
        (ValueError("caf\udce9"), "failed", "ValueError: caf�"),
        (SystemExit(Unequal()), "failed", f"sys.exit(<Unequal {NO_TEXT})"),
        (SystemExit(0.0), "failed", "sys.exit(0.0)"),  # Python ends with exit code 1
        (SystemExit(False), "completed", "sys.exit()"),
        (SystemExit("token=s3cr3t"), "failed", "sys.exit('token=***')"),
        (ExceptionGroup("epoch", [ValueError(1), Raises(ValueError())]), "failed", "ExceptionGroup: epoch (2 sub-exceptions)"),
        (BaseExceptionGroup("all", [KeyboardInterrupt(), ValueError()]), "failed", "BaseExceptionGroup: all (2 sub-exceptions)"),
        (nested(KeyboardInterrupt(), 60), "interrupted", "Ctrl-C"),
    ],
    ids=lambda value: type.__dict__["__name__"].__get__(type(value)),
)  # fmt: skip
def test_whatever_an_exception_says(error: BaseException, status: str, reason: str) -> None:
    found = outcome(error)
    assert found == (status, reason)
    assert type(found[1]) is str


def test_a_large_message_is_cut() -> None:
    for error in (ValueError("x" * 10**7), ValueError(b"x" * 10**7), KeyError("x" * 10**7), SystemExit("x" * 10**7)):
        _, reason = outcome(error)
        assert reason is not None
        assert len(reason) == LONGEST_REASON
        assert len(error_text(error)) <= 1100
    assert len(repr_of({"x" * 10**6: ["y" * 10**6] * 10**5})) <= 1000
    assert text_of("x" * 10**7, 5) == "xxxxx"
    assert LONGEST_TEXT + MARGIN < 10**4


@pytest.mark.parametrize("make", [lambda: Raises(SystemExit(0)), SaysText, Angry, lambda: ExceptionGroup("g", [Raises(ValueError())])])
def test_the_exception_of_a_block_is_never_replaced(here: World, make: Callable[[], Exception]) -> None:
    error = make()
    before = set(threading.enumerate())
    with pytest.raises(type(error)) as raised, EnergyTracker():  # noqa: PT012
        time.sleep(0.02)
        raise error
    assert raised.value is error
    assert set(threading.enumerate()) <= before
    assert here.show()["run"]["status"] == "failed"


def test_names_and_work_of_any_type(here: World) -> None:
    with EnergyTracker() as tracker:
        for name in (Raises(SystemExit(0)), Text("train"), "caf\udce9", 7):
            with tracker.phase(name, step=Raises(ValueError())):  # type: ignore[arg-type]
                tracker.update(samples=2)
        tracker.update(samples=Raises(ValueError()))  # type: ignore[arg-type]
        for _ in tracker.wrap([1], samples=lambda _: Raises(ValueError())):  # type: ignore[arg-type,return-value]
            pass
    view = here.show()
    assert [phase["name"] for phase in view["phases"]] == [f"<Raises {NO_TEXT}", f"<Text {NO_TEXT}", "caf�", "7"]
    assert view["work"] == {"samples": 8}
    assert phase_named(view, "caf�")["count"] == 1
    told = {"the samples of a batch could not be counted", "work done could not be counted"}
    assert {event["detail"].partition(":")[0] for event in events(view, "store")} == told


@pytest.mark.parametrize("setting", ["project", "name", "tags", "period_s", "stage", "zone", "db", "gpus", "sensors", "scope"])
def test_a_setting_whose_text_cannot_be_made_is_refused_by_its_name(setting: str) -> None:
    value: Any = {"lr": Raises(ValueError("x"))} if setting == "tags" else Raises(ValueError("x"))
    with pytest.raises(ConfigurationError) as raised:
        EnergyTracker(**{setting: value})
    assert str(raised.value).startswith(f"{setting}=")
    assert NO_TEXT in str(raised.value)
