-- State and log in one file. Times are milliseconds since 1970, ids of agents and the like are raw bytes.
CREATE TABLE setting (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE agency (
  id INTEGER PRIMARY KEY,
  parent INTEGER REFERENCES agency (id),
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('province', 'department', 'district', 'commune'))
);
CREATE UNIQUE INDEX agency_name ON agency (coalesce(parent, 0), name);

CREATE TABLE site (
  id INTEGER PRIMARY KEY,
  agency INTEGER NOT NULL REFERENCES agency (id),
  name TEXT NOT NULL,
  address TEXT,
  latitude REAL,
  longitude REAL,
  UNIQUE (agency, name)
);

CREATE TABLE asset (
  id INTEGER PRIMARY KEY,
  site INTEGER NOT NULL REFERENCES site (id),
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  always_on INTEGER NOT NULL,
  version INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX asset_site ON asset (site);

CREATE TABLE agent (
  id BLOB PRIMARY KEY,
  asset INTEGER NOT NULL REFERENCES asset (id),
  state TEXT NOT NULL CHECK (state IN ('active', 'quarantined', 'revoked')),
  machine BLOB NOT NULL,
  clone_seen_ms INTEGER,
  version TEXT NOT NULL DEFAULT '',
  enrolled_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX agent_asset ON agent (asset);
CREATE INDEX agent_machine ON agent (machine);

CREATE TABLE certificate (
  sha256 BLOB PRIMARY KEY,
  agent BLOB NOT NULL REFERENCES agent (id),
  key_sha256 BLOB NOT NULL,
  issued_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  first_used_ms INTEGER,
  superseded_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX certificate_agent ON certificate (agent);
CREATE INDEX certificate_key ON certificate (key_sha256);

CREATE TABLE enrollment (
  id INTEGER PRIMARY KEY,
  site INTEGER NOT NULL REFERENCES site (id),
  secret_sha256 BLOB NOT NULL UNIQUE,
  uses_left INTEGER NOT NULL CHECK (uses_left >= 0),
  expires_ms INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  created_ms INTEGER NOT NULL
);

-- Which key came in with which token: the same token and key may enrol again without another use.
CREATE TABLE enrollment_use (
  enrollment INTEGER NOT NULL REFERENCES enrollment (id),
  key_sha256 BLOB NOT NULL,
  agent BLOB NOT NULL,
  used_ms INTEGER NOT NULL,
  PRIMARY KEY (enrollment, key_sha256)
) WITHOUT ROWID;

CREATE TABLE catalogue (id BLOB PRIMARY KEY, body TEXT NOT NULL, seen_ms INTEGER NOT NULL) WITHOUT ROWID;

-- One row for each commit window: every report of it, packed as it came, with its arrival time.
-- A number is never used twice: the history of samples remembers which rows it has made durable.
CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, committed_ms INTEGER NOT NULL, reports BLOB NOT NULL);

-- The state in memory, by shard, as of a row of the log.
CREATE TABLE snapshot (shard INTEGER PRIMARY KEY, log INTEGER NOT NULL, body BLOB NOT NULL);

CREATE TABLE component (
  asset INTEGER NOT NULL REFERENCES asset (id),
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  model TEXT NOT NULL,
  serial TEXT NOT NULL,
  state TEXT NOT NULL,
  reasons TEXT NOT NULL,
  figures TEXT NOT NULL,
  first_seen_ms INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL,
  vanished_ms INTEGER,
  PRIMARY KEY (asset, kind, id)
) WITHOUT ROWID;
CREATE INDEX component_serial ON component (serial) WHERE serial <> '';

CREATE TABLE alert (
  id INTEGER PRIMARY KEY,
  rule TEXT NOT NULL,
  asset INTEGER NOT NULL REFERENCES asset (id),
  part TEXT NOT NULL,
  severity TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  state TEXT NOT NULL CHECK (state IN ('firing', 'resolved')),
  since_ms INTEGER NOT NULL,
  fired_ms INTEGER NOT NULL,
  resolved_ms INTEGER,
  acknowledged_by TEXT,
  acknowledged_ms INTEGER,
  acknowledged_note TEXT,
  figures TEXT NOT NULL,
  work_order INTEGER REFERENCES work_order (id)
);
CREATE INDEX alert_asset ON alert (asset, state);
CREATE INDEX alert_state ON alert (state, fired_ms);
CREATE UNIQUE INDEX alert_one_firing ON alert (asset, rule, part) WHERE state = 'firing';

CREATE TABLE work_order (
  id INTEGER PRIMARY KEY,
  asset INTEGER NOT NULL REFERENCES asset (id),
  part TEXT NOT NULL,
  rule TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'planned', 'in_progress', 'done', 'verified', 'reopened')),
  ready_to_verify INTEGER NOT NULL,
  opened_ms INTEGER NOT NULL,
  due_ms INTEGER,
  planned_ms INTEGER,
  done_ms INTEGER,
  closed_ms INTEGER,
  assignee TEXT,
  note TEXT NOT NULL DEFAULT '',
  version INTEGER NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX work_order_one_open ON work_order (asset, rule, part) WHERE state <> 'verified';

CREATE TABLE evidence (
  work_order INTEGER NOT NULL REFERENCES work_order (id),
  alert INTEGER NOT NULL REFERENCES alert (id),
  rule TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  figures TEXT NOT NULL,
  PRIMARY KEY (work_order, alert)
) WITHOUT ROWID;

CREATE TABLE user (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  password TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
  agency INTEGER REFERENCES agency (id),
  language TEXT NOT NULL CHECK (language IN ('vi', 'en')) DEFAULT 'vi',
  created_ms INTEGER NOT NULL
);

CREATE TABLE session (
  sha256 BLOB PRIMARY KEY,
  user INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE api_token (
  id INTEGER PRIMARY KEY,
  sha256 BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
  agency INTEGER REFERENCES agency (id),
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER
);

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  address TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL
);

-- A row for each change that another process made (the command line), so that a running collector reads it again.
CREATE TABLE change (id INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL);
