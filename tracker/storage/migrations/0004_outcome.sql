-- How a run ended, where `status` has no word for it: 'searched' or 'pruned'. Such a run is 'completed' in `status`, whose check SQLite
-- cannot widen. NULL where `status` says all.
ALTER TABLE run ADD COLUMN outcome TEXT;
