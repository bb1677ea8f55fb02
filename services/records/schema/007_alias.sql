-- Ids of sources that name a patient who is known here by another: alias_id is the id that the import makes of source, kind and
-- id (a keyed hash, or the UUID that the source gave).
CREATE TABLE patient_alias (
    alias_id     BINARY(16) NOT NULL PRIMARY KEY,
    patient_id   BINARY(16) NOT NULL,
    linked_at_us BIGINT     NOT NULL,
    KEY alias_of (patient_id),
    FOREIGN KEY (patient_id) REFERENCES patient (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
