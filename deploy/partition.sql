-- Split the table of points, which is nearly all of a large database, into 64 parts, as the owner:  psql -f partition.sql "$URL"
-- The indexes stay small, and vacuum works on one part at a time. trainwatt notices nothing. It takes as long as writing the points again, and
-- no host can bring runs meanwhile: they keep them.
BEGIN;
LOCK TABLE curve_point;
ALTER TABLE curve_point RENAME TO curve_point_whole;
CREATE TABLE curve_point (LIKE curve_point_whole INCLUDING DEFAULTS) PARTITION BY HASH (segment_id);
DO $$ BEGIN
    FOR part IN 0..63 LOOP
        EXECUTE format('CREATE TABLE curve_point_%s PARTITION OF curve_point FOR VALUES WITH (MODULUS 64, REMAINDER %s)', part, part);
    END LOOP;
END $$;
INSERT INTO curve_point SELECT * FROM curve_point_whole;
DROP TABLE curve_point_whole;
ALTER TABLE curve_point ADD PRIMARY KEY (segment_id, device, t_ns);
ALTER TABLE curve_point ADD FOREIGN KEY (segment_id) REFERENCES segment (id) ON DELETE CASCADE;
COMMIT;
ANALYZE curve_point;
