-- The variance, in square joules, of what a sensor that looks at part of the time only missed by chance: cumulative on a curve, of the
-- window in a phase.
ALTER TABLE curve_point ADD COLUMN scatter_j2 DOUBLE PRECISION NOT NULL DEFAULT 0;

ALTER TABLE phase_energy ADD COLUMN scatter_j2 DOUBLE PRECISION NOT NULL DEFAULT 0;

ALTER TABLE phase_fold_energy ADD COLUMN scatter_j2 DOUBLE PRECISION NOT NULL DEFAULT 0;
