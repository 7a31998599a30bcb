-- A phase has energies of every process that reads sensors, whose devices may have the same name: each may see one GPU only.
CREATE TABLE phase_energy_of_owner (
    segment_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    owner_segment_id TEXT NOT NULL,
    device TEXT NOT NULL,
    energy_j DOUBLE PRECISION NOT NULL,
    slack_low_j DOUBLE PRECISION NOT NULL,
    slack_high_j DOUBLE PRECISION NOT NULL,
    edge_low_j DOUBLE PRECISION NOT NULL,
    edge_high_j DOUBLE PRECISION NOT NULL,
    scatter_j2 DOUBLE PRECISION NOT NULL DEFAULT 0,
    PRIMARY KEY (segment_id, seq, owner_segment_id, device),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE
);
INSERT INTO phase_energy_of_owner
    SELECT segment_id, seq, owner_segment_id, device, energy_j, slack_low_j, slack_high_j, edge_low_j, edge_high_j, scatter_j2
    FROM phase_energy;
DROP TABLE phase_energy;
ALTER TABLE phase_energy_of_owner RENAME TO phase_energy;
