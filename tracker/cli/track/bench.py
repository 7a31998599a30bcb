"""`trainwatt bench 'COMMAND A' 'COMMAND B'`: run commands several times, and say whether their energies differ."""

from __future__ import annotations

import json
import re
import secrets
from datetime import datetime
from typing import Any

import rich_click as click

from ...core.units import parse_duration_s
from ...errors import ConfigurationError
from ...presentation.words.quantities import listed
from ..options import arguments, json_option, measuring_options
from ..output import echo, say

DEFAULT_RUNS, MOST_RUNS = 5, 30
IDLE_S = 1.0
AUTO = "auto"


@click.command("bench", context_settings={"allow_interspersed_args": False})
@click.option(
    "-n",
    "--runs",
    "count",
    type=click.IntRange(min=1),
    help=f"Runs of each command ({DEFAULT_RUNS}; with --precision {MOST_RUNS} at most).",
)
@click.option(
    "--warmup", type=click.IntRange(min=0), default=1, show_default=True, help="First run each command so often without measuring."
)
@click.option(
    "--cooldown",
    default=AUTO,
    show_default=True,
    metavar="auto|TIME",
    help="How long to rest before each run; auto: until the machine is as idle as before the first.",
)
@click.option("--to", "goal_text", metavar="GOAL", help='Also the energy until the command prints a value: --to "val_accuracy>=0.98".')
@click.option("--precision", metavar="PERCENT", help="Run until the means, or their difference, are known this well, as in 2%.")
@click.option("--ignore-failure", is_flag=True, help="Go on if a command fails; its run is left out.")
@click.option("--group", help="A name for these runs, with which `compare` finds them (bench and the time).")
@measuring_options
@json_option
@click.argument("lines", nargs=-1, required=True, metavar="-- 'COMMAND A' ['COMMAND B'...]")
def command(
    lines: tuple[str, ...],
    count: int | None,
    warmup: int,
    cooldown: str,
    goal_text: str | None,
    precision: str | None,
    ignore_failure: bool,
    group: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Run commands several times, in changing order, and compare their energy, time, power and grams with the spread between runs.

    Each command is one argument, for the shell; its output is not shown. With one command, the result is how much its runs vary. With
    several, it is how far each is from the first, whether that is certain, and how many runs would decide. The runs are stored: those of
    the first command in the group GROUP/A, and so on, and `trainwatt compare` compares them again.

    Example: `trainwatt bench -n 5 -- 'python train.py --batch 32' 'python train.py --batch 64'`
    """
    from ...presentation.terminal import bench as shown
    from ...presentation.terminal.run import console
    from ...tracking.benching.bench import Bench, Plan
    from ...tracking.benching.goal import parse_goal

    goal = None if goal_text is None else parse_goal(goal_text)
    share = None if precision is None else _share(precision)
    plan = Plan(
        lines,
        count or (DEFAULT_RUNS if share is None else MOST_RUNS),
        warmup,
        None if cooldown == AUTO else _seconds(cooldown),
        group or f"bench-{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        goal,
        share,
        ignore_failure,
    )
    bench = Bench(plan, arguments(**{**options, "baseline": IDLE_S if options["baseline"] is None else options["baseline"]}), say)
    try:
        bench.run()
    except KeyboardInterrupt:
        say(f"interrupted; the runs so far are in the groups {listed(bench.groups)}")
        raise
    sides = bench.sides()
    if as_json:
        echo(json.dumps(shown.to_json(sides, bench.groups), indent=2))
    else:
        console().print(shown.page(sides, bench.groups))


def _share(text: str) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*%\s*", text, re.ASCII)
    if match is None or not 0 < float(match[1]) < 100:
        raise ConfigurationError(f"--precision {text}: give a percentage of the mean, as in --precision 2%")
    return float(match[1]) / 100


def _seconds(text: str) -> float:
    try:
        return parse_duration_s(text)
    except ValueError:
        raise ConfigurationError(f"--cooldown {text}: give a time such as 30s or 2m, or auto") from None
