-- answered_at_us: when the prescriber signed or disputed the dose; 0: not yet. The watcher looks for disputed doses by it.
ALTER TABLE cosignature ADD COLUMN answered_at_us BIGINT NOT NULL DEFAULT 0, ADD KEY cosignature_answered (state, answered_at_us);
