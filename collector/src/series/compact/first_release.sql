PRAGMA page_size = 1024;
CREATE TABLE catalogue (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, body BLOB NOT NULL) STRICT;
CREATE TABLE chunk (
    number INTEGER PRIMARY KEY,
    agent BLOB NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    count INTEGER NOT NULL,
    catalogue INTEGER NOT NULL REFERENCES catalogue (number),
    first_log INTEGER NOT NULL,
    last_log INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE INDEX chunk_by_agent ON chunk (agent, from_ms);
CREATE INDEX chunk_by_log ON chunk (last_log);
PRAGMA application_id = 1953653101;
PRAGMA user_version = 1;
