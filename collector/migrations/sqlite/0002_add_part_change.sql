-- What became of each asset's parts: a row only where something changed, the oldest beyond a bound dropped.
CREATE TABLE part_change (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  asset INTEGER NOT NULL REFERENCES asset (id),
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  part TEXT NOT NULL,
  what TEXT NOT NULL CHECK (what IN ('appeared', 'vanished', 'replaced', 'changed')),
  before TEXT NOT NULL,
  after TEXT NOT NULL
);
CREATE INDEX part_change_asset ON part_change (asset, id);
