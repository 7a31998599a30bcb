"""What a question to a running tracker costs the training thread. By hand, from the repository: `python -m tests.benchmarks.live`."""

from __future__ import annotations

import tempfile
import timeit
from pathlib import Path

from trainwatt import EnergyTracker

TIMES = 20_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, EnergyTracker(db=Path(folder) / "runs.db") as tracker:
        for name in ("energy_j", "power_w"):
            seconds = timeit.timeit(f"tracker.{name}", number=TIMES, globals={"tracker": tracker})
            print(f"tracker.{name}: {1e6 * seconds / TIMES:.2f} µs")


if __name__ == "__main__":
    main()
