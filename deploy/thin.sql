-- Make the curves of old runs small, as the owner:  psql -v days=30 -f thin.sql "$URL"
-- Of each curve two points stay in every five minutes (UTC), the first and the last, as trainwatt itself does with what is older than an hour
-- in a run that goes on. No total, no phase and no gram changes. Only runs that ended that many days ago are touched.
WITH old AS (
    SELECT s.id, a.utc_ns - a.monotonic_ns AS shift_ns
    FROM run r
    JOIN segment s ON s.run_id = r.id
    JOIN clock_anchor a ON a.segment_id = s.id
        AND a.monotonic_ns = (SELECT max(b.monotonic_ns) FROM clock_anchor b WHERE b.segment_id = s.id)
    WHERE r.status <> 'running' AND r.ended_utc_ns < (extract(epoch FROM now()) - :days * 86400) * 1e9
), slot AS (
    SELECT c.segment_id, c.device, (c.t_ns + o.shift_ns) / 300000000000 AS number, min(c.t_ns) AS first, max(c.t_ns) AS last
    FROM curve_point c
    JOIN old o ON o.id = c.segment_id
    GROUP BY 1, 2, 3
    HAVING count(*) > 2
)
DELETE FROM curve_point c
USING slot, old
WHERE c.segment_id = slot.segment_id AND c.device = slot.device AND old.id = c.segment_id
    AND (c.t_ns + old.shift_ns) / 300000000000 = slot.number AND c.t_ns > slot.first AND c.t_ns < slot.last;
