-- What there is to say of an entry names rules, and rules tell drugs: sealed under its patient's key. sealed: ReconcileResult.
ALTER TABLE offline_entry CHANGE COLUMN issues sealed BLOB NOT NULL;
