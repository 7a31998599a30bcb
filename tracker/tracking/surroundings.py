"""What a run finds out about its machine besides the readings: its hardware, its zone, and who else uses its devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..carbon.grid.whereabouts import AUTO, locate_by_cloud
from ..config import USED_GPUS, Config
from ..core.clock import Clock
from ..core.run import Event, EventKind
from ..core.sensing import Device, Discovery, Sensor, whole_name
from ..log import warn
from ..machine.inventory import Piece, gpu_piece, inventory
from ..machine.slurm.allocation import allocated
from ..storage.write.statements import Statement
from ..storage.write.writer import Writer
from ..texts import text_of
from ..unwarned import unwarned
from .activity.processors import Processors
from .harmless import Harmless
from .recording import rows
from .recording.rows import Row, as_json
from .sampling.sampler import Sampler
from .sampling.search import Search
from .sampling.snapshot import Snapshot
from .sharing.attribution import Attribution
from .sharing.others import Neighbours, SharedDevices
from .sharing.outliving import left_behind

USE = "UPDATE inventory SET detail = :detail WHERE run_id = :run AND host = :host AND kind = 'gpu' AND name = :name"
COUNTED = "UPDATE device SET included_in_total = :counted WHERE segment_id = :segment AND name = :name"


class Surroundings:
    """The surroundings of run `run_id`, whose segment `segment_id` is this process on `host`.

    `devices` are those that this process reads. None if another process measures, and describes, the machine.
    `joinable`: the run is that of a command, whose processes may go on after it. `pid`: a process of the run.
    """

    def __init__(
        self,
        *,
        run_id: str,
        segment_id: str,
        host: str,
        config: Config,
        environ: Mapping[str, str],
        found: Discovery,
        devices: Sequence[Device] | None,
        shared: SharedDevices,
        shares: Attribution | None,
        neighbours: Neighbours,
        writer: Writer,
        clock: Clock,
        joinable: bool,
        pid: int,
    ) -> None:
        self.processors = Processors(pid, config.sysfs, config.procfs)
        self._search = Search(found, clock)
        self._run_id = run_id
        self._segment_id = segment_id
        self._host = host
        self._config = config
        self._environ = environ
        self._found = found
        self._devices = devices
        self._shared = shared
        self._shares = shares
        shared.whole = shares is None
        self._drops_unused = config.gpus == USED_GPUS and shares is None  # a GPU that is not used has no share
        self._neighbours = neighbours
        self._writer = writer
        self._joinable = joinable
        self._used: Mapping[str, bool | None] = {}
        self._news = self._over = False

    def describe(self, harmless: Harmless) -> tuple[Mapping[str, Sequence[Row]], Row]:
        """The hardware, the findings and, with zone="auto", the zone: as rows by table, and as columns of the run.

        It may take seconds: call it once, off the training thread. `harmless` guards each part: one that fails is left out.
        """
        findings, about_run = list(self._found.findings), Row()
        if self._config.zone == AUTO:
            with harmless("the cloud could not be asked for its zone"):
                about_run["zone"], finding = unwarned(locate_by_cloud, self._environ)
                findings.append(finding)
                if about_run["zone"] is None:
                    warn("%s: grams are computed with the world's average", finding.detail)
        found: list[Row] = []
        for finding in findings:
            with harmless(f"a finding about {text_of(finding.source)} could not be recorded"):
                found.append(rows.finding_row(self._segment_id, len(found), finding))
        return {"finding": found, "inventory": self._hardware(harmless)}, about_run

    def seeks(self, t_ns: int) -> bool:
        """Whether devices that could not be read should be looked for now. Never blocks."""
        return self._search.due(t_ns)

    def seek(self, sampler: Sampler, begin_ns: int, harmless: Harmless) -> Mapping[str, Sequence[Row]]:
        """Look again for devices that could not be read when the run began, at `begin_ns`. The rows of those that are read from now on."""
        with harmless("devices that could not be read could not be looked for again"):
            sensors = self._search.look(sampler, begin_ns)
            return self.take_in(sampler, sensors)
        return {}

    def take_in(self, sampler: Sampler, sensors: Sequence[Sensor]) -> dict[str, Sequence[Row]]:
        """These sensors are read from now on: the rows of their devices."""
        self._shared.add(sensors)
        devices = [s.device for s in sensors] if self._shares is None else self._shares.add(sampler.integrators, sensors)
        found = {device.name: device for device in devices}
        gpus = [gpu_piece(device) for device in found.values() if device.kind == "gpu" and whole_name(device.name) is None]
        return {
            "device": [rows.device_row(self._segment_id, device, None) for device in found.values()],
            "inventory": [self._piece(piece) for piece in gpus],
        }

    def attributed(self, seen: Snapshot, t_ns: int, harmless: Harmless, *, final: bool, asks: bool) -> Snapshot:
        """The snapshot, with scope="process" also with what is attributed to the processes of the run. `asks`: drivers are asked."""
        return seen if self._shares is None else self._shares.shares(seen, t_ns, harmless, final=final, asks=asks)

    def look(self, t_ns: int, harmless: Harmless, *, final: bool, asks: bool = True) -> list[Event]:
        """Who uses the devices: from time to time and at the end the processes, at the end other runs that measured during this one.
        `asks`: the database is asked for these."""
        events = []
        if final or self._shared.due(t_ns):
            events += self._shared.look(t_ns, harmless)
            before, self._used = self._used, dict(self._shared.used)
            self._news = self._news or final or self._used != before  # at the end again: an earlier commit may have failed
        if not final or self._over:
            return events
        self._over = True  # the end may be recorded once more, where the database cannot be written
        if self._drops_unused and None in self._shared.used.values():
            unknown = ", ".join(name for name, used in self._shared.used.items() if used is None)
            text = (
                f"it cannot be told whether the run used {unknown}, whose energy is in the total: the driver does not report the processes"
            )
            text += " there, another process is there, or the run was too short"
            events.append(Event(EventKind.USE, t_ns, None, text))
        if asks:
            with harmless("the other runs on this machine could not be looked up"):
                events += self._neighbours.met(self._writer, t_ns)
        if self._joinable:
            with harmless("the processes that the command left could not be looked up"):
                events += left_behind(self._run_id, t_ns, self._config.procfs)
        return events

    @property
    def attributes(self) -> bool:
        """Whether what counts is the share of this run's processes, which is known at each commit only."""
        return self._shares is not None

    @property
    def uncounted(self) -> frozenset[str]:
        """The devices that have left the total: with gpus="used", those that the run is seen not to use."""
        return frozenset(name for name, used in self._used.items() if used is False) if self._drops_unused else frozenset()

    def changes(self) -> list[Statement]:
        """The statements that record which GPUs the run has used, after a look. With gpus="used", the others leave the total."""
        if not self._news:
            return []
        self._news = False
        statements: list[Statement] = []
        for name, used in self._used.items():
            piece = next(d for d in self._devices or () if d.name == name)
            detail = {"model": piece.model, "uuid": piece.uuid, "used": used}
            of = {"run": self._run_id, "host": self._host, "name": name, "detail": as_json(detail)}
            statements.append((USE, of))
            if self._drops_unused:
                statements.append((COUNTED, {"segment": self._segment_id, "name": name, "counted": int(used is not False)}))
        return statements

    def _hardware(self, harmless: Harmless) -> list[Row]:
        found: list[Row] = []
        if self._devices is not None:
            pieces = inventory(self._devices, self._found.gpu_count, self._config.sysfs, self._config.procfs)
            with harmless("the hardware could not be described in full"):
                found.extend(map(self._piece, pieces))
            with harmless("the allocation of the job could not be recorded"):
                held = allocated(self._environ, self._found.gpu_count, self._config.sysfs, self._config.procfs)
                found += [] if held is None else [self._piece(held)]
        return found

    def _piece(self, piece: Piece) -> Row:
        detail = as_json(piece.detail)
        return {"run_id": self._run_id, "host": self._host, "kind": piece.kind, "name": piece.name, "detail": detail}
