-- What prescribers acknowledged about a patient. sealed: Acknowledged. It is read together with what runs for the patient, and is written
-- only together with an order, so patient.touched covers it. The watcher deletes rows older than 2 days: decisions repeat what they used.
CREATE TABLE acknowledged (
    acknowledged_id BINARY(16) NOT NULL PRIMARY KEY,
    patient_id      BINARY(16) NOT NULL,
    at_us           BIGINT     NOT NULL,
    sealed          BLOB       NOT NULL,
    KEY acknowledged_of_patient (patient_id, at_us),
    KEY acknowledged_at (at_us),
    FOREIGN KEY (patient_id) REFERENCES patient (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
