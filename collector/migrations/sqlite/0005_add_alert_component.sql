-- The part that an alert is about, as it was when the alert said so; and parts of each asset that are gone.
ALTER TABLE alert ADD COLUMN component TEXT;
ALTER TABLE evidence ADD COLUMN component TEXT;
CREATE TABLE missing_part (
  asset INTEGER PRIMARY KEY REFERENCES asset (id),
  parts TEXT NOT NULL
);
