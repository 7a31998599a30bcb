-- What a rank (user_segment_id) has used of a device until now (ours), as the process segment_id has seen it, beside what others have used,
-- what processes of unknown owners have used, and what there was. device is a GPU of segment_id, and the unit is percent of the driver's
-- samples; or it is 'machine' or 'cgroup', and the unit is CPU seconds.
CREATE TABLE device_use (
    segment_id TEXT NOT NULL,
    device TEXT NOT NULL,
    user_segment_id TEXT NOT NULL,
    ours DOUBLE PRECISION NOT NULL,
    others DOUBLE PRECISION NOT NULL,
    unknown DOUBLE PRECISION NOT NULL,
    capacity DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (segment_id, device, user_segment_id),
    FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE
);
-- Every command looks for the processes that still run, and many ask for the runs of a project.
CREATE INDEX segment_running ON segment (run_id) WHERE status = 'running';
CREATE INDEX run_by_project ON run (project, started_utc_ns);
