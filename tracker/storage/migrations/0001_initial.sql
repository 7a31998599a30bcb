-- The one source of the schema. Plain SQL that both SQLite and PostgreSQL accept, no semicolon inside a statement. Foreign keys
-- stand by themselves because SQLAlchemy cannot read them from SQLite otherwise.
-- *_utc_ns: UTC in nanoseconds. *t_ns: CLOCK_MONOTONIC of the segment's host in nanoseconds; clock_anchor joins the two.
-- _j: joules, _w: watts, _s: seconds. JSON is kept as text.

-- What the user calls a run.
CREATE TABLE run (
    id TEXT NOT NULL PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT,
    group_name TEXT,
    stage TEXT,
    status TEXT NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'interrupted')),
    end_reason TEXT,
    started_utc_ns BIGINT NOT NULL,
    ended_utc_ns BIGINT,
    last_seen_utc_ns BIGINT NOT NULL,
    duration_s DOUBLE PRECISION,
    host TEXT NOT NULL,
    command TEXT,
    git_commit TEXT,
    tags TEXT NOT NULL DEFAULT '{}',
    external TEXT NOT NULL DEFAULT '{}',
    zone TEXT,
    settings TEXT NOT NULL DEFAULT '{}',
    version TEXT NOT NULL
);
CREATE INDEX run_by_start ON run (started_utc_ns);

-- One process of a run. Where boot id or pid namespace cannot be read, they are ''.
CREATE TABLE segment (
    id TEXT NOT NULL PRIMARY KEY,
    run_id TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('owner', 'joined')),
    host TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    pid_namespace TEXT NOT NULL,
    pid INTEGER NOT NULL,
    start_ticks BIGINT NOT NULL,
    rank INTEGER,
    restart INTEGER NOT NULL DEFAULT 0,
    started_utc_ns BIGINT NOT NULL,
    ended_utc_ns BIGINT,
    last_seen_utc_ns BIGINT NOT NULL,
    start_t_ns BIGINT NOT NULL,
    end_t_ns BIGINT,
    status TEXT NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'interrupted')),
    end_reason TEXT,
    period_s DOUBLE PRECISION NOT NULL,
    samples BIGINT NOT NULL DEFAULT 0,
    missed BIGINT NOT NULL DEFAULT 0,
    cpu_s DOUBLE PRECISION NOT NULL DEFAULT 0,
    startup_cpu_s DOUBLE PRECISION NOT NULL DEFAULT 0,
    FOREIGN KEY (run_id) REFERENCES run (id) ON DELETE CASCADE
);
CREATE INDEX segment_by_run ON segment (run_id);

-- idle_w: the measured baseline. residual: counter against integrated power, relative.
CREATE TABLE device (
    segment_id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    model TEXT,
    uuid TEXT,
    included_in_total INTEGER NOT NULL,
    max_power_w DOUBLE PRECISION NOT NULL,
    gain DOUBLE PRECISION NOT NULL,
    gain_class TEXT NOT NULL,
    note TEXT,
    covered_ns BIGINT NOT NULL DEFAULT 0,
    idle_w DOUBLE PRECISION,
    residual DOUBLE PRECISION,
    update_period_ns BIGINT,
    PRIMARY KEY (segment_id, name),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE
);

-- The last raw value at each commit: what a take-over bridges from.
CREATE TABLE sensor_state (
    segment_id TEXT NOT NULL,
    device TEXT NOT NULL,
    sensor TEXT NOT NULL,
    raw TEXT NOT NULL,
    t_ns BIGINT NOT NULL,
    boot_id TEXT NOT NULL,
    PRIMARY KEY (segment_id, device, sensor),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE
);

-- Cumulative since the curve's start, but for the edges, which are the point's own.
CREATE TABLE curve_point (
    segment_id TEXT NOT NULL,
    device TEXT NOT NULL,
    t_ns BIGINT NOT NULL,
    counter_j DOUBLE PRECISION NOT NULL,
    power_j DOUBLE PRECISION NOT NULL,
    imputed_j DOUBLE PRECISION NOT NULL,
    modelled_j DOUBLE PRECISION NOT NULL,
    slack_low_j DOUBLE PRECISION NOT NULL,
    slack_high_j DOUBLE PRECISION NOT NULL,
    edge_low_j DOUBLE PRECISION NOT NULL,
    edge_high_j DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (segment_id, device, t_ns),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE
);

-- resolved: 1 energies stored and long enough to be told apart, 0 too short for that, NULL pending.
CREATE TABLE phase (
    segment_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    parent_seq INTEGER,
    name TEXT NOT NULL,
    step BIGINT,
    start_t_ns BIGINT NOT NULL,
    end_t_ns BIGINT,
    start_utc_ns BIGINT NOT NULL,
    synchronized INTEGER NOT NULL DEFAULT 0,
    exact INTEGER NOT NULL DEFAULT 0,
    resolved INTEGER,
    PRIMARY KEY (segment_id, seq),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE,
    FOREIGN KEY (run_id) REFERENCES run (id) ON DELETE CASCADE
);
CREATE INDEX phase_by_run ON phase (run_id);

-- segment_id and seq name the phase, owner_segment_id and device the device. A segment goes only together with its run, so
-- owner_segment_id does without a foreign key, whose index would be paid in every row.
CREATE TABLE phase_energy (
    segment_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    device TEXT NOT NULL,
    owner_segment_id TEXT NOT NULL,
    energy_j DOUBLE PRECISION NOT NULL,
    slack_low_j DOUBLE PRECISION NOT NULL,
    slack_high_j DOUBLE PRECISION NOT NULL,
    edge_low_j DOUBLE PRECISION NOT NULL,
    edge_high_j DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (segment_id, seq, device),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE
);

-- unit: 'samples' or 'tokens'. phase: '' is the whole run.
CREATE TABLE work (
    segment_id TEXT NOT NULL,
    unit TEXT NOT NULL,
    phase TEXT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (segment_id, unit, phase),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE
);

CREATE TABLE inventory (
    run_id TEXT NOT NULL,
    host TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (run_id, host, kind, name),
    FOREIGN KEY (run_id) REFERENCES run (id) ON DELETE CASCADE
);

CREATE TABLE event (
    segment_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    device TEXT,
    kind TEXT NOT NULL,
    t_ns BIGINT NOT NULL,
    utc_ns BIGINT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (segment_id, seq),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE
);

CREATE TABLE clock_anchor (
    segment_id TEXT NOT NULL,
    monotonic_ns BIGINT NOT NULL,
    utc_ns BIGINT NOT NULL,
    boottime_ns BIGINT NOT NULL,
    PRIMARY KEY (segment_id, monotonic_ns),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE
);

CREATE TABLE finding (
    segment_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    source TEXT NOT NULL,
    availability TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL,
    remedy TEXT NOT NULL DEFAULT '',
    worth TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (segment_id, seq),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE
);

-- A cache of what grids emit per kWh.
CREATE TABLE grid_intensity (
    provider TEXT NOT NULL,
    zone TEXT NOT NULL,
    basis TEXT NOT NULL,
    start_utc_ns BIGINT NOT NULL,
    end_utc_ns BIGINT NOT NULL,
    g_per_kwh DOUBLE PRECISION NOT NULL,
    estimated INTEGER NOT NULL DEFAULT 0,
    fetched_utc_ns BIGINT NOT NULL,
    PRIMARY KEY (provider, zone, basis, start_utc_ns)
);

-- A footprint as it was computed once, with the factors it used; never changed afterwards.
CREATE TABLE footprint (
    id TEXT NOT NULL PRIMARY KEY,
    run_id TEXT NOT NULL,
    created_utc_ns BIGINT NOT NULL,
    inputs TEXT NOT NULL,
    result TEXT NOT NULL,
    FOREIGN KEY (run_id) REFERENCES run (id) ON DELETE CASCADE
);
CREATE INDEX footprint_by_run ON footprint (run_id);
