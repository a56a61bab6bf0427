-- Columns apart from what a host says of itself: hosts of one make have the same, and a start need not read them for
-- each. What cannot be read is asked for again.
DELETE FROM catalogue WHERE NOT json_valid(body);
DELETE FROM catalogue WHERE json_type(body, '$.columns') IS NOT 'array';
ALTER TABLE catalogue RENAME TO whole_catalogue;
CREATE TABLE shape (number INTEGER PRIMARY KEY, columns TEXT NOT NULL);
CREATE TABLE catalogue (
  id BLOB PRIMARY KEY,
  shape INTEGER NOT NULL REFERENCES shape (number),
  resource TEXT NOT NULL,
  seen_ms INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO shape (columns) SELECT DISTINCT json_extract(body, '$.columns') FROM whole_catalogue;
CREATE INDEX shape_columns ON shape (columns);
INSERT INTO catalogue (id, shape, resource, seen_ms)
  SELECT id, number, coalesce(json_extract(body, '$.resource'), '{}'), seen_ms
  FROM whole_catalogue CROSS JOIN shape ON columns = json_extract(body, '$.columns');
DROP INDEX shape_columns;
DROP TABLE whole_catalogue;
