"""A table of a TOML file, whose values are checked. Every error names the place in the file, the value, the reason and the mend."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any, TypeVar

from ..carbon.accounting import Estimate
from ..carbon.tables.zone_names import known
from ..carbon.terms import Terms, broken
from ..core.run import Stage
from ..errors import ConfigurationError

TERMS = ("zone", "intensity_g_per_kwh", "pue", "lifetime_years", "lifetime_utilization")
_KEYS = {"--intensity": "intensity_g_per_kwh"}
"""The keys whose options have other names."""
"""The keys of the terms of a footprint."""

LONGEST_SHOWN = 80
"""Characters of a wrong value that a message shows."""

T = TypeVar("T")


class TomlTable:
    """A table of the file: its values, checked. `name` is its place in the file, such as `add[1]`."""

    def __init__(self, found: Mapping[str, Any], place: str, name: str, known: Collection[str]) -> None:
        self._found = found
        self._place = place
        self.where = f"{place}: {name}" if name else place
        for key in found:
            if key not in known:
                raise ConfigurationError(f"{self._at(key)}: there is no such key here; known are {', '.join(known)}")

    def _at(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where != self._place else f"{self.where}: {key}"

    def wrong(self, key: str, value: object, reason: str, mend: str) -> ConfigurationError:
        """The error for a value."""
        shown = "is missing" if value is None else f"= {_shown(value)}"
        return ConfigurationError(f"{self._at(key)} {shown}: {reason}; {mend}")

    def value(self, key: str) -> Any:
        """The value as it is; None if it is missing."""
        return self._found.get(key)

    def _typed(self, key: str, kind: type[T], mend: str) -> T | None:
        value = self._found.get(key)
        if value is None or (isinstance(value, kind) and value != ""):
            return value
        raise self.wrong(key, value, "it has the wrong type", mend)

    def table(self, key: str) -> Mapping[str, Any]:
        """A table within this one; empty if it is missing."""
        return self._typed(key, dict, f"write it as a table, [{key}]") or {}

    def tables(self, key: str, known: Collection[str]) -> Iterator[TomlTable]:
        """The tables of a list."""
        found = self._typed(key, list, f"write each as a table, [[{key}]]") or []
        for i, one in enumerate(found, 1):
            if not isinstance(one, dict):
                raise self.wrong(key, one, "it is no table", f"write each as a table, [[{key}]]")
            yield TomlTable(one, self._place, f"{key}[{i}]", known)

    def text(self, key: str) -> str | None:
        """A text that is not empty."""
        return self._typed(key, str, "give a text in quotes")

    def required(self, key: str) -> str:
        """A text that must be there."""
        if (found := self.text(key)) is None:
            raise self.wrong(
                key, None, "it says what this is" if key != "source" else "a figure that nobody measured needs one", f'give {key} = "…"'
            )
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, or one text."""
        found = self._found.get(key, [])
        each = [found] if isinstance(found, str) else found
        if not isinstance(each, list) or not all(isinstance(text, str) and text for text in each):
            raise self.wrong(key, found, "it has the wrong type", f'give a list of texts, such as {key} = ["9f2c1a"]')
        return tuple(each)

    def tags(self) -> tuple[tuple[str, str | None], ...]:
        """Tags with their values, or names of tags with any value."""
        found = self._found.get("tags")
        if isinstance(found, dict):
            return tuple((name, str(value)) for name, value in found.items())
        return tuple((name, None) for name in self.texts("tags"))

    def stage(self) -> Stage:
        """The stage that this belongs to."""
        found = self.required("stage")
        if found not in list(Stage):
            raise self.wrong("stage", found, "there is no such stage", f"give one of {', '.join(Stage)}")
        return Stage(found)

    def number(self, key: str, *, above: float | None = None, most: float = 1e15) -> float | None:
        """A number that is not negative."""
        value = self._found.get(key)
        return None if value is None else self._number(key, value, above, most)

    def _number(self, key: str, value: object, above: float | None, most: float = 1e15) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, value, "it is no number", "give a number without quotes")
        if not (0.0 if above is None else above) <= value <= most or value == above:
            least = "0 or more" if above is None else f"above {above:g}"
            raise self.wrong(key, value, "it is out of range", f"give a number {least}, {most:g} at most")
        return float(value)

    def amount(self, key: str) -> Estimate | None:
        """A number, or its range: the lowest, the likely and the highest value."""
        value = self._found.get(key)
        if not isinstance(value, list):
            return None if value is None else Estimate.exact(self._number(key, value, None))
        mend = f"give the lowest, the likely and the highest value, such as {key} = [80, 100, 130]"
        if len(value) != 3:
            raise self.wrong(key, value, f"a range has three values, not {len(value)}", mend)
        low, central, high = (self._number(key, each, None) for each in value)
        if not low <= central <= high:
            raise self.wrong(key, value, "the values are not in order", mend)
        return Estimate(central, low, high)

    def day(self, key: str) -> date | None:
        """A day."""
        found = self._found.get(key)
        if found is None or (isinstance(found, date) and not isinstance(found, datetime)):
            return found
        raise self.wrong(key, found, "it is no day", f"give it without quotes, as in {key} = 2026-03-01")

    def terms(self) -> Terms:
        """The terms of this table."""
        terms = Terms(
            zone=self.text("zone"),
            intensity_g_per_kwh=self.number("intensity_g_per_kwh"),
            pue=self.number("pue"),
            lifetime_years=self.number("lifetime_years"),
            lifetime_utilization=self.number("lifetime_utilization"),
        )
        if (rule := broken(terms)) is not None:
            option, value, _, reason, mend = rule
            raise self.wrong(_KEYS.get(option, option.lstrip("-").replace("-", "_")), value, reason, mend)
        if terms.zone is not None:
            known(terms.zone, f"{self._at('zone')} = {_shown(terms.zone)}")
        return terms


def _shown(value: object) -> str:
    """A value in a message, of a length that can be read."""
    try:
        text = value.isoformat() if isinstance(value, date) else repr(value)
    except ValueError:  # Python writes no number of so many digits
        return "a number of many digits"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
