-- What the edge keeps on disk: plans, and events not delivered yet. Written by `./maillage telephony edge-config`,
-- which may run again on a database in use.
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS version (table_name VARCHAR(32) PRIMARY KEY, table_version INTEGER NOT NULL DEFAULT 0);
INSERT OR IGNORE INTO version VALUES ('plan', 2);

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
