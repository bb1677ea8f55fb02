-- Whom an item names that is about no one patient, or about several: erasing any of them forgets it.
CREATE TABLE quarantine_named (
    item_id    BINARY(16) NOT NULL,
    patient_id BINARY(16) NOT NULL,
    PRIMARY KEY (item_id, patient_id),
    KEY named_of (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
