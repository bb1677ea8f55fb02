-- Merges, undone ones too. was_active: how Patient.active of the one merged away was before: 0 not set, 1 false, 2 true. The
-- reasons are sealed under the key of the one merged away.
CREATE TABLE patient_merge (
    merge_id       BINARY(16)   NOT NULL PRIMARY KEY,
    into_id        BINARY(16)   NOT NULL,
    from_id        BINARY(16)   NOT NULL,
    merged_by      VARCHAR(128) NOT NULL,
    merged_at_us   BIGINT       NOT NULL,
    was_active     TINYINT      NOT NULL,
    reason         BLOB         NOT NULL,
    unmerged_by    VARCHAR(128) NULL,
    unmerged_at_us BIGINT       NULL,
    unmerge_reason BLOB         NULL,
    KEY merged_into (into_id),
    KEY merged_from (from_id),
    FOREIGN KEY (into_id) REFERENCES patient (patient_id),
    FOREIGN KEY (from_id) REFERENCES patient (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Two people, a person said. a_id < b_id.
CREATE TABLE patient_different (
    a_id    BINARY(16)   NOT NULL,
    b_id    BINARY(16)   NOT NULL,
    said_by VARCHAR(128) NOT NULL,
    at_us   BIGINT       NOT NULL,
    PRIMARY KEY (a_id, b_id),
    KEY different_b (b_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
