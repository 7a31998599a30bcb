-- The 95 % half-width of a constant error of a device's sensor, in watts. NULL where none is known, and in runs of versions before this one.
ALTER TABLE device ADD COLUMN offset_w DOUBLE PRECISION;
