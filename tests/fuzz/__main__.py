"""Fuzz for a given time: python -m tests.fuzz --minutes 10 [target…]"""

from __future__ import annotations

import argparse
import time

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.targets import TARGETS

EXAMPLES = 500


def main() -> None:
    """Run each target in turn, with a new seed every few hundred inputs. The first failure ends it, shrunk and with a traceback."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="target", help=f"of {', '.join(TARGETS)}; all of them by default")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each target")
    asked = parser.parse_args()
    for name in asked.targets or TARGETS:
        function, strategies = TARGETS[name]
        checks, phases = list(HealthCheck), (Phase.generate, Phase.shrink)
        quick = settings(deadline=None, max_examples=EXAMPLES, database=None, suppress_health_check=checks, phases=phases)
        begun, rounds = time.monotonic(), 0
        while time.monotonic() - begun < 60 * asked.minutes:
            seed(rounds)(quick(given(*strategies)(function)))()
            rounds += 1
        print(f"{name}: {rounds * EXAMPLES:,} inputs in {time.monotonic() - begun:.0f} s, no failure", flush=True)


if __name__ == "__main__":
    main()
