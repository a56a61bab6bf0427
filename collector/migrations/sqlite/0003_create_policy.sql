-- What is asked of the agents of a place: of everyone (no agency, no site), of an agency and all below it, of a site.
CREATE TABLE policy (
  id INTEGER PRIMARY KEY,
  agency INTEGER REFERENCES agency (id),
  site INTEGER REFERENCES site (id),
  body TEXT NOT NULL,
  version INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL,
  CHECK (agency IS NULL OR site IS NULL)
);
CREATE UNIQUE INDEX policy_place ON policy (coalesce(agency, 0), coalesce(site, 0));
