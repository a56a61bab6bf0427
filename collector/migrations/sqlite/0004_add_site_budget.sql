-- What a site's uplink can bear: bytes a minute that its agents together may send of history; none: no bound.
ALTER TABLE site ADD COLUMN history_bytes_per_minute INTEGER CHECK (history_bytes_per_minute BETWEEN 0 AND 4294967295);
ALTER TABLE site ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
