-- Metrics of a training, such as the loss on validation data, that the process segment_id has logged: not each value, but the lowest and the
-- highest one, and the last. values_logged counts all values. lowest_number is the place of the lowest value among them, from 1, and
-- lowest_next_t_ns is when the value after it was logged; NULL if it is the last one. The same holds for the highest.
CREATE TABLE metric (
    segment_id TEXT NOT NULL,
    name TEXT NOT NULL,
    values_logged BIGINT NOT NULL,
    last DOUBLE PRECISION NOT NULL,
    last_t_ns BIGINT NOT NULL,
    lowest DOUBLE PRECISION NOT NULL,
    lowest_number BIGINT NOT NULL,
    lowest_t_ns BIGINT NOT NULL,
    lowest_next_t_ns BIGINT,
    highest DOUBLE PRECISION NOT NULL,
    highest_number BIGINT NOT NULL,
    highest_t_ns BIGINT NOT NULL,
    highest_next_t_ns BIGINT,
    PRIMARY KEY (segment_id, name),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE
);

-- The values of a metric over time. seq counts the finite values of the metric in this process, from 0. The process keeps each value whose seq
-- is a multiple of a stride, which doubles when there are too many. step is what the user says it belongs to, such as an epoch.
CREATE TABLE metric_point (
    segment_id TEXT NOT NULL,
    name TEXT NOT NULL,
    seq BIGINT NOT NULL,
    t_ns BIGINT NOT NULL,
    step BIGINT,
    value DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (segment_id, name, seq),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE
);

-- The units of work that were counted while an instance of a phase was open (segment_id, seq: see phase). A large amount has several rows, as
-- in work.
CREATE TABLE phase_work (
    segment_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    unit TEXT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (segment_id, seq, unit),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE
);
