-- What the edge keeps on disk: plans, events not delivered yet, conversations. Written by `./maillage telephony edge-config`,
-- which may run again on a database in use.
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS version (table_name VARCHAR(32) PRIMARY KEY, table_version INTEGER NOT NULL DEFAULT 0);
INSERT OR IGNORE INTO version VALUES ('plan', 2), ('dialog', 7), ('dialog_vars', 1);

CREATE TABLE IF NOT EXISTS plan (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, key_name VARCHAR(64) NOT NULL DEFAULT '', key_type INTEGER NOT NULL DEFAULT 0,
    value_type INTEGER NOT NULL DEFAULT 0, key_value TEXT NOT NULL DEFAULT '', expires INTEGER NOT NULL DEFAULT 0
);
-- Batches in the order they happened; one leaves when the application has committed it.
CREATE TABLE IF NOT EXISTS outgoing (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, batch TEXT NOT NULL);
-- Batches that the application could not understand: a human looks at them.
CREATE TABLE IF NOT EXISTS refused (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, status INTEGER NOT NULL, batch TEXT NOT NULL);
-- The queue in memory at the moment of an orderly stop.
CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, key VARCHAR(255) NOT NULL DEFAULT '', val TEXT NOT NULL DEFAULT '');

CREATE TABLE IF NOT EXISTS dialog (
    id INTEGER PRIMARY KEY NOT NULL, hash_entry INTEGER NOT NULL, hash_id INTEGER NOT NULL, callid VARCHAR(255) NOT NULL,
    from_uri VARCHAR(255) NOT NULL, from_tag VARCHAR(128) NOT NULL, to_uri VARCHAR(255) NOT NULL, to_tag VARCHAR(128) NOT NULL,
    caller_cseq VARCHAR(20) NOT NULL, callee_cseq VARCHAR(20) NOT NULL, caller_route_set VARCHAR(512), callee_route_set VARCHAR(512),
    caller_contact VARCHAR(255) NOT NULL, callee_contact VARCHAR(255) NOT NULL, caller_sock VARCHAR(64) NOT NULL,
    callee_sock VARCHAR(64) NOT NULL, state INTEGER NOT NULL, start_time INTEGER NOT NULL, timeout INTEGER NOT NULL DEFAULT 0,
    sflags INTEGER NOT NULL DEFAULT 0, iflags INTEGER NOT NULL DEFAULT 0, toroute_name VARCHAR(32), req_uri VARCHAR(255) NOT NULL,
    xdata VARCHAR(512)
);
CREATE INDEX IF NOT EXISTS dialog_hash_idx ON dialog (hash_entry, hash_id);
CREATE TABLE IF NOT EXISTS dialog_vars (
    id INTEGER PRIMARY KEY NOT NULL, hash_entry INTEGER NOT NULL, hash_id INTEGER NOT NULL, dialog_key VARCHAR(128) NOT NULL,
    dialog_value VARCHAR(512) NOT NULL
);
CREATE INDEX IF NOT EXISTS dialog_vars_hash_idx ON dialog_vars (hash_entry, hash_id);
