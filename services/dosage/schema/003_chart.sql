-- Who was merged into whom in records, directly, as its feed told it: what an unmerge takes apart again. The rows of `patient` follow
-- (root_id); both sides have one, with a key, from the first merge on. One who was erased in records has one without a key, so that
-- nothing of theirs is written any more.
CREATE TABLE patient_merge (
    from_id BINARY(16) NOT NULL PRIMARY KEY,
    into_id BINARY(16) NOT NULL,
    KEY patient_merge_into (into_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- How often a rule speaks is asked of a span of time and answered from this index alone.
ALTER TABLE finding DROP KEY finding_at, ADD KEY finding_burden (at_us, rule_id, overridden, followed);
