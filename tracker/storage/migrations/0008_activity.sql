-- What a device did until t_ns, in sums since the process segment_id began to look at it: each figure of a window is the difference of two
-- points. device is a GPU of segment_id; or it is 'machine' or 'cgroup', and only seen_ms, busy_ms (of CPU time) and cpus are known.
-- What the driver does not tell is NULL. seen_ms is the time that was looked at. busy_ms is the time in which it computed,
-- busy_scatter_ms2 the variance of that, because it is sampled; memory_busy_ms is the time in which its memory was read or written. The
-- sums of clocks, temperature, memory and limit are in the unit of their name times ms. The _max are of the time since the point
-- before. throttled is JSON: the milliseconds by reason.
CREATE TABLE activity_point (
    segment_id TEXT NOT NULL,
    device TEXT NOT NULL,
    t_ns BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    busy_ms BIGINT,
    busy_scatter_ms2 BIGINT,
    memory_busy_ms BIGINT,
    sm_mhz_ms BIGINT,
    memory_mhz_ms BIGINT,
    celsius_ms BIGINT,
    celsius_max BIGINT,
    memory_mib_ms BIGINT,
    memory_mib_max BIGINT,
    limit_w_ms BIGINT,
    throttled TEXT,
    cpus DOUBLE PRECISION,
    PRIMARY KEY (segment_id, device, t_ns),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE
);
