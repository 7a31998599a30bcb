"""CodeCarbon's emissions.csv. Columns are taken by their names, because they differ between versions.

Its energies are in kWh and contain the PUE that was set, each part alike; here the energy is stored without PUE. The file does not say how
each part was obtained, so ranges are those of CodeCarbon's own fallbacks. The processor: half of its rated power if there is no sensor; a
package draws from about a tenth of its rated power to all of it, so 0.2 to 2 times. Memory: a constant for each GB or module, 0.25 to 2
times. GPUs are read through NVML's counter, like here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ..carbon.tables.zones import figure, listed
from ..core.point import Point
from ..core.run import NO_HOST, Origin
from ..core.units import J_PER_KWH, NS_PER_S
from ..errors import ConfigurationError
from .asked import Asked
from .lines import Refused, RowError, TableRow, utc_ns
from .record import Part, Piece, Record, modelled, whole_curve

NEEDED = ("timestamp", "duration", "energy_consumed")
PARTS = ("cpu_energy", "gpu_energy", "ram_energy")
KNOWN = {
    *NEEDED, *PARTS, "task_name", "project_name", "run_id", "experiment_id", "emissions", "emissions_rate", "cpu_power", "gpu_power",
    "ram_power", "cpu_utilization_percent", "gpu_utilization_percent", "ram_utilization_percent", "ram_used_gb", "water_consumed",
    "country_name", "country_iso_code", "region", "cloud_provider", "cloud_region", "os", "python_version", "codecarbon_version",
    "cpu_count", "cpu_model", "gpu_count", "gpu_model", "longitude", "latitude", "ram_total_size", "tracking_mode", "on_cloud", "pue",
    "wue",
}  # fmt: skip
"""The columns of versions 1 to 3."""
MODELLED = {"cpu_energy": (0.2, 2.0), "ram_energy": (0.25, 2.0), "rest": (0.2, 2.0)}
"""How far the truth may be from a part that may be modelled, as factors. Judged; see above."""
GAIN, OFFSET_W = 0.05, 5.0
"""The scale error and the constant error of an NVIDIA board, as for those that the tracker reads."""
MOST_W = 200_000.0
"""The mean power above which an energy is not believed: one machine draws less."""
MOST_KWH, MOST_S = 1e8, 20 * 365.25 * 86_400
ROUNDING = 0.01
_GPUS = re.compile(r"(\d+)\s*x\s*([^,;|+]+)")
GIB = 2**30


def is_header(columns: Sequence[str]) -> bool:
    """Whether these are columns of CodeCarbon."""
    return "energy_consumed" in columns or {"emissions", "project_name"} <= set(columns)


def read(columns: Sequence[str], rows: Iterable[TableRow | Refused], source: str, asked: Asked) -> Iterator[Record | Refused]:
    """A run for each row. Raises ConfigurationError if columns are missing."""
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise ConfigurationError(
            f"{source}: a CodeCarbon file without the column {' and '.join(missing)}; the versions 1 to 3 have {', '.join(NEEDED)}; name"
            " emissions.csv as CodeCarbon wrote it, with its first line"
        )
    unknown = [name for name in columns if name and name not in KNOWN]
    for row in rows:
        if isinstance(row, Refused):
            yield row
            continue
        try:
            yield _record(row, unknown, asked)
        except RowError as error:
            yield Refused(f"{source}, {error}")


def _record(row: TableRow, unknown: Sequence[str], asked: Asked) -> Record:
    duration_s = _needed(row, "duration", 0.0, MOST_S, "s")
    pue = row.number("pue", 0.0, 10.0, "") or 1.0
    if pue < 1:
        raise RowError(f"line {row.line}: pue {pue:g}: a site uses at least what its computers use; correct it to 1 or more")
    ended_utc_ns = utc_ns(row.text("timestamp") or "", f"line {row.line}: timestamp")
    version = row.text("codecarbon_version")
    source = f"CodeCarbon {version}" if version else "CodeCarbon"
    notes = [f"columns that are not known and not used: {', '.join(unknown[:5])}"] if unknown else []
    hardware = tuple(_hardware(row))
    gpus = [str(p.detail["model"]) for p in hardware if p.kind == "gpu"]
    zone = asked.zone or _zone(row)
    country = row.text("country_name", "country_iso_code")
    if zone is None and country:
        notes.append(f"no zone of the grid is known by the name {country}; --zone names it")
    run_id = row.text("run_id")
    task = row.text("task_name")
    mark = (run_id, task or "") if run_id else (row.text("timestamp") or "", row.text("project_name") or "", f"{duration_s:g}")
    external = {"codecarbon_run_id": run_id, "codecarbon_experiment_id": row.text("experiment_id")}
    return Record(
        identity=("codecarbon", *mark),
        origin=Origin.IMPORTED,
        source=source,
        project=asked.project or row.text("project_name") or "codecarbon",
        started_utc_ns=ended_utc_ns - round(duration_s * NS_PER_S),
        duration_s=duration_s,
        host=NO_HOST,
        parts=tuple(_parts(row, source, duration_s, pue, gpus)),
        hardware=hardware,
        name=asked.name or task,
        group=asked.group,
        stage=asked.stage,
        zone=zone,
        settings={"pue": pue if pue > 1 else None},
        external={key: value for key, value in external.items() if value},
        notes=tuple(notes),
        gpu_hours=len(gpus) * duration_s / 3600 if gpus else None,
    )


def _needed(row: TableRow, column: str, lowest: float, highest: float, unit: str) -> float:
    value = row.number(column, lowest, highest, unit)
    if value is None:
        raise RowError(f"line {row.line}: {column} is empty: nothing is known without it; correct the file, or leave the row out")
    return value


def _parts(row: TableRow, source: str, duration_s: float, pue: float, gpus: Sequence[str]) -> Iterator[Part]:
    """The devices: those whose energy the row has, and what it has besides."""
    total_kwh = _needed(row, "energy_consumed", 0.0, MOST_KWH, "kWh")
    if total_kwh * J_PER_KWH > MOST_W * max(duration_s, 1.0):
        raise RowError(
            f"line {row.line}: energy_consumed {total_kwh:g} kWh in {duration_s:g} s is more than {MOST_W / 1000:g} kW; correct the row, or"
            " leave it out"
        )
    by_part = {name: row.number(name, 0.0, MOST_KWH, "kWh") or 0.0 for name in PARTS}
    rest_kwh = total_kwh - sum(by_part.values())
    if rest_kwh < -ROUNDING * total_kwh:
        raise RowError(
            f"line {row.line}: energy_consumed {total_kwh:g} kWh is less than its parts, which are {sum(by_part.values()):g} kWh; correct"
            " the row, or leave it out"
        )
    covered_ns = round(duration_s * NS_PER_S)

    def part(name: str, kind: str, column: str, model: str | None, note: str) -> Part:
        low, high = MODELLED[column]
        energy_j = (rest_kwh if column == "rest" else by_part[column]) * J_PER_KWH / pue
        end = modelled(energy_j, low * energy_j, high * energy_j)
        return Part(name, kind, whole_curve(duration_s, end), f"{note}, by {source}", covered_ns, model)

    if by_part["gpu_energy"]:
        models = list(dict.fromkeys(gpus))
        yield Part(
            "gpu",
            "gpu",
            whole_curve(duration_s, Point(0, counter_j=by_part["gpu_energy"] * J_PER_KWH / pue)),
            f"all GPUs that {source} read",
            covered_ns,
            " + ".join(f"{gpus.count(m)} × {m}" if gpus.count(m) > 1 else m for m in models) or None,
            gain=GAIN,
            gain_class="gpu",
            offset_w=OFFSET_W * max(1, len(gpus)),
        )
    if by_part["cpu_energy"]:
        yield part("cpu", "cpu", "cpu_energy", row.text("cpu_model"), "read or modelled: the file does not say")
    if by_part["ram_energy"]:
        yield part("dram", "dram", "ram_energy", None, "modelled from its size")
    if rest_kwh > ROUNDING * total_kwh or not any(by_part.values()):
        alone = not any(by_part.values())
        yield part("machine" if alone else "other", "platform", "rest", None, "the file does not say of which parts")


def _hardware(row: TableRow) -> Iterator[Piece]:
    number = 0
    for count, model in _GPUS.findall(row.text("gpu_model") or ""):
        for _ in range(min(int(count), 64)):
            yield Piece("gpu", f"gpu{number}", {"model": model.strip()})
            number += 1
    processors = row.number("cpu_count", 0, 65_536, "")
    if (model := row.text("cpu_model")) is not None:
        yield Piece("cpu", model, {"logical_cpus": int(processors)} if processors else {})
    if memory_gib := row.number("ram_total_size", 0, 131_072, "GB"):
        yield Piece("dram", "memory", {"bytes": round(memory_gib * GIB)})


def _zone(row: TableRow) -> str | None:
    """The zone: the cloud region, the state or province, else the country; None if the tables do not know it."""
    provider, region = row.text("cloud_provider"), row.text("cloud_region")
    place = {zone.name.casefold(): zone.zone for zone in listed() if zone.kind in ("us_state", "ca_province", "au_state")}
    countries = {zone.name.casefold(): zone.zone for zone in listed() if zone.kind == "country"}
    code, country = row.text("country_iso_code") or "", (row.text("country_name") or "").casefold()
    state = place.get((row.text("region") or "").casefold()) if code in ("USA", "CAN", "AUS", "US", "CA", "AU") else None
    cloud = f"{provider}:{region}" if provider and region else None
    for zone in (cloud, state, countries.get(country), code):
        try:
            if zone:
                return figure(zone).zone
        except ConfigurationError:
            continue
    return None
