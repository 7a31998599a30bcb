"""The helper process of a benchmark's machine: advances powercap counters and a fake NVML at known watts, constant or square wave.

Nothing but the standard library. Every value is worked out from the load's integral in closed form, so the true joules between two
instants of the monotonic clock are known exactly. On standard input: `fail` makes every sensor fail, `heal` ends that, `pids` with numbers
says which processes use the GPUs, the end of the input ends the helper.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from typing import Any, NamedTuple

STEP_S = 0.004
GPU_STEP_S = 0.02
UNKNOWN_ERROR = 999
IDLE_W, LIMIT_W = 70.0, 700.0
FAILING = ("energy_code", "power_code", "fields_code")


class Load(NamedTuple):
    """`high_w` in the first half of each period, `low_w` in the second; no period: always `high_w`."""

    high_w: float
    low_w: float = 0.0
    period_s: float = 0.0

    def power_w(self, t_s: float) -> float:
        """The power `t_s` seconds after the beginning."""
        return self.high_w if not self.period_s or t_s % self.period_s < self.period_s / 2 else self.low_w

    def joules(self, t_s: float) -> float:
        """The energy from the beginning on; before it, the first power held."""
        if not self.period_s or t_s < 0:
            return self.high_w * t_s
        half = self.period_s / 2
        periods, rest = divmod(t_s, self.period_s)
        high_s = periods * half + min(rest, half)
        return self.high_w * high_s + self.low_w * (t_s - high_s)


def _gpu_lines(index: int, load: Load, t_s: float) -> dict[str, object]:
    """As an H100 tells it: the counter, the mean power of the last second (also as "power usage"), and the power now."""
    mean_mw, now_mw = round(1000 * (load.joules(t_s) - load.joules(t_s - 1))), round(1000 * load.power_w(t_s))
    lines = {"energy": 5_000_000 + int(1000 * load.joules(t_s)), "power": mean_mw, "185": mean_mw, "186": now_mw}
    return {f"{index}.{key}": value for key, value in lines.items()}


def _constant_lines(index: int) -> dict[str, object]:
    uuid = f"GPU-{index:x}0000000-0000-4000-8000-00000000000{index:x}"
    lines = {
        "name": "NVIDIA H100 80GB HBM3",
        "uuid": uuid,
        "cc": "9.0",
        "limit": round(1000 * LIMIT_W),
        "limit_most": round(1000 * LIMIT_W),
    }
    return {f"{index}.{key}": value for key, value in lines.items()}


def _activity_lines(index: int, load: Load, t_s: float) -> dict[str, object]:
    """What a GPU with this power does: busy in proportion to what it draws above IDLE_W."""
    share = max(0.0, (load.power_w(t_s) - IDLE_W) / (LIMIT_W - IDLE_W))
    used = round((0.2 + 0.7 * share) * 80 * 2**30) if share > 0.02 else 600 * 2**20
    lines = {"busy": round(100 * share), "memory_busy": round(40 * share), "sm_mhz": 1980 if share > 0.02 else 345, "memory_mhz": 2619}
    return {f"{index}.{key}": value for key, value in {**lines, "reasons": 0, "celsius": round(34 + 32 * share), "used": used}.items()}


def _write_nvml(path: str, lines: dict[str, object]) -> None:
    with open(path + ".new", "w") as file:
        file.writelines(f"{key} {value}\n" for key, value in lines.items())
    os.replace(path + ".new", path)


def advance(spec: dict[str, Any]) -> None:
    """Advance until standard input ends. `spec`: `zones` (path, load, start_uj, range_uj), `nvml` (a path), `gpus` (loads), `active`
    (whether the GPUs tell what they do)."""
    zones = [(os.open(z["path"], os.O_WRONLY), Load(*z["load"]), z["start_uj"], z["range_uj"]) for z in spec["zones"]]
    gpus = [Load(*load) for load in spec["gpus"]]
    lines: dict[str, object] = {"count": len(gpus)}
    failures = {f"{i}.{key}": UNKNOWN_ERROR for i in range(len(gpus)) for key in FAILING}
    begin = time.monotonic()
    gpus_at, failing, answer = -1.0, False, repr(begin)
    while True:
        t_s = time.monotonic() - begin
        for fd, load, start_uj, range_uj in () if failing else zones:
            os.pwrite(fd, b"%012d\n" % ((start_uj + int(1e6 * load.joules(t_s))) % range_uj), 0)  # always as long: never half a number
        if t_s - gpus_at >= GPU_STEP_S:
            gpus_at = t_s
            for index, load in enumerate(gpus):
                lines |= _constant_lines(index) | _gpu_lines(index, load, t_s)
                lines |= _activity_lines(index, load, t_s) if spec["active"] else {}
            _write_nvml(spec["nvml"], failures | lines if failing else lines)
        if answer:
            print(answer, flush=True)
            answer = ""
        if select.select([0], [], [], STEP_S)[0]:
            line = sys.stdin.readline().strip()
            if not line:
                return
            word, _, pids = line.partition(" ")
            lines |= {f"{index}.pids": pids for index in range(len(gpus))} if word == "pids" else {}
            failing, gpus_at, answer = line == "fail", -1.0, line
            for fd, *_ in zones if failing else ():
                os.ftruncate(fd, 0)  # an empty file is as near to a failed read as an ordinary file comes


if __name__ == "__main__":
    advance(json.loads(sys.argv[1]))
