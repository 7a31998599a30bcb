"""Options that several commands share."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import reduce, wraps
from typing import Any, cast

import rich_click as click

from ..analysis.selection import Filters, tag_of
from ..config import Settings, parse_gpus
from ..core.run import Stage, Status
from ..core.units import NS_PER_S, parse_duration_s
from ..errors import ConfigurationError

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

STATUSES = tuple(status.value for status in Status)

db_option: Decorator = click.option("--db", metavar="PLACE", help="The database: a file, a folder, or postgresql://USER@HOST/DATABASE.")
per_option: Decorator = click.option(
    "--per",
    metavar="UNIT",
    help="The unit of work for figures of one unit, such as request; else samples, tokens, or the first other one that was counted.",
)
full_option: Decorator = click.option(
    "--full", is_flag=True, help="Record the whole command lines of other processes on the GPUs, not only their programs and users."
)
json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def with_options(options: Sequence[Decorator], function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with options, which `--help` lists in their order."""
    return reduce(lambda f, option: option(f), reversed(options), function)


def tracking_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of the commands that track another process: `run` and `attach`."""
    options: list[Decorator] = [
        click.option("--name", help="A name for the run."),
        click.option("--budget", metavar="AMOUNT", help='What the run may use: "2 kWh", "500 gCO2e", or "3 EUR" with --price.'),
        click.option("--on-budget", metavar="warn|stop", help="When the budget is used: a line and an event; with `stop`, also SIGTERM."),
        click.option("--price", "price_per_kwh", type=float, metavar="PER_KWH", help="The price of a kWh, for a budget in money."),
        click.option("--group", help="A group of runs, such as one sweep."),
        click.option(
            "--sink",
            "sinks",
            multiple=True,
            metavar="NAME[=TEXT]",
            help="Show the run in `prometheus`, `tensorboard` … too; can be given more than once.",
        ),
    ]
    return with_options(options, measuring_options(function))


def measuring_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What is measured, how, and where it is stored."""
    options: list[Decorator] = [
        click.option("--project", help="The project that the run belongs to."),
        click.option("--stage", help=f"The stage of the model's life: {', '.join(Stage)}."),
        click.option("--zone", help="The zone of the electricity grid, such as FR."),
        click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="A tag; can be given more than once."),
        click.option(
            "--gpus", metavar="LIST", help="GPUs by NVML index or UUID, as in 0,2; `none`; `used`: only those that the run is seen to use."
        ),
        click.option(
            "--period",
            "period_s",
            type=float,
            metavar="SECONDS",
            help="Time between two readings; by default as many as each sensor needs.",
        ),
        click.option(
            "--scope",
            metavar="machine|process",
            help="`process`: attribute a share of the machine's energy to the processes of the run; by default all of it counts.",
        ),
        click.option("--baseline", "baseline", type=float, metavar="SECONDS", help="First measure the idle machine for this time."),
        db_option,
    ]
    return with_options(options, function)


def arguments(tags: tuple[str, ...], gpus: str | None, **others: Any) -> Settings:
    """The options of `tracking_options` as the arguments of EnergyTracker. Raises ConfigurationError."""
    for tag in tags:
        if "=" not in tag:
            raise ConfigurationError(f"--tag {tag}: a tag has a name and a value, as in --tag lr=0.001")
    if "sinks" in others:
        others["sinks"] = others["sinks"] or None
    given = {**others, "tags": dict(t.split("=", 1) for t in tags) or None, "gpus": None if gpus is None else parse_gpus(gpus)}
    return cast("Settings", given)


def filter_options(default_limit: int | None = None, *, several_groups: bool = False) -> Decorator:
    """The options that select runs. The command gets them as one argument, `filters`; with `several_groups`, the groups as `groups`."""
    group_help = "Only runs of this group; given twice or more, each group is one side." if several_groups else "Only runs of this group."
    options: list[Decorator] = [
        click.option("--project", help="Only runs of this project."),
        click.option("--group", multiple=several_groups, help=group_help),
        click.option("--stage", type=click.Choice([stage.value for stage in Stage]), help="Only runs of this stage."),
        click.option("--tag", "tags", multiple=True, metavar="NAME[=VALUE]", help="Only runs with this tag; with each, if given twice."),
        click.option("--since", metavar="WHEN", help="Only runs started since: 6h, 7d, 2026-11-01."),
        click.option("--status", type=click.Choice(STATUSES), help="Only runs with this status."),
        click.option(
            "--limit",
            type=click.IntRange(min=1),
            default=default_limit,
            show_default=default_limit is not None,
            help="The most runs to take, the newest first.",
        ),
    ]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def command(
            *,
            project: str | None,
            group: Any,
            stage: str | None,
            tags: tuple[str, ...],
            since: str | None,
            status: str | None,
            limit: int | None,
            **others: Any,
        ) -> Any:
            as_status = None if status is None else Status(status)
            if several_groups:
                others, group = {**others, "groups": group}, None
            found = tuple(map(_tag, tags))
            filters = Filters(project, group, since_utc_ns(since), as_status, limit, stage=stage, tags=found)
            return function(filters=filters, **others)

        return with_options(options, command)

    return decorate


def _tag(text: str) -> tuple[str, str | None]:
    """The tag of `--tag lr=0.001` or `--tag lr`. Raises ConfigurationError."""
    found = tag_of(text)
    if not found[0]:
        raise ConfigurationError(f"--tag {text!r}: a tag has a name; give it, and its value if it matters, as in --tag lr=0.001")
    return found


def since_utc_ns(text: str | None) -> int | None:
    """UTC nanoseconds of "7d" (that long ago), or of a local date or time such as 2026-11-01. Raises ConfigurationError."""
    from datetime import datetime

    if text is None:
        return None
    try:
        return time.time_ns() - round(parse_duration_s(text) * NS_PER_S)
    except ValueError:
        pass
    try:
        return round(datetime.fromisoformat(text).timestamp() * NS_PER_S)
    except ValueError:
        raise ConfigurationError(f"--since {text}: give a duration such as 6h, 7d or 2w, or a date such as 2026-11-01") from None
