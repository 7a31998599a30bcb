-- Instances of a phase that are no longer kept one by one: all of one name in one segment, added up. count and duration_ns are of
-- ended instances; unresolved, synchronized and exact count those that were. first_start_utc_ns is the earliest start.
CREATE TABLE phase_fold (
    segment_id TEXT NOT NULL,
    name TEXT NOT NULL,
    count BIGINT NOT NULL,
    duration_ns BIGINT NOT NULL,
    first_start_utc_ns BIGINT NOT NULL,
    unresolved BIGINT NOT NULL,
    synchronized BIGINT NOT NULL,
    exact BIGINT NOT NULL,
    PRIMARY KEY (segment_id, name),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE
);

-- Their sums of phase_energy, a device each.
CREATE TABLE phase_fold_energy (
    segment_id TEXT NOT NULL,
    name TEXT NOT NULL,
    owner_segment_id TEXT NOT NULL,
    device TEXT NOT NULL,
    energy_j DOUBLE PRECISION NOT NULL,
    slack_low_j DOUBLE PRECISION NOT NULL,
    slack_high_j DOUBLE PRECISION NOT NULL,
    edge_low_j DOUBLE PRECISION NOT NULL,
    edge_high_j DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (segment_id, name, owner_segment_id, device),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE
);

-- The owner of the sensors looks for these every second.
CREATE INDEX phase_pending ON phase (run_id) WHERE resolved IS NULL;
