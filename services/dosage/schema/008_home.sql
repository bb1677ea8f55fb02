-- What was decided at admission about the medicines that patients take at home. statement_id: the MedicationStatement in records.
-- sealed: HomeReconciliation, bound to the statement, its version, the decision's version and time. The newest decision about each
-- statement; patient.touched covers it, because checks are made of it.
CREATE TABLE home_reconciliation (
    statement_id      BINARY(16) NOT NULL PRIMARY KEY,
    patient_id        BINARY(16) NOT NULL,
    statement_version INT        NOT NULL,
    version           INT        NOT NULL,
    decided_at_us     BIGINT     NOT NULL,
    sealed            BLOB       NOT NULL,
    KEY home_reconciliation_of_patient (patient_id, decided_at_us),
    FOREIGN KEY (patient_id) REFERENCES patient (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TRIGGER home_reconciliation_is_new AFTER INSERT ON home_reconciliation FOR EACH ROW UPDATE patient SET touched = UUID_SHORT() WHERE patient_id = NEW.patient_id;
CREATE TRIGGER home_reconciliation_is_changed AFTER UPDATE ON home_reconciliation FOR EACH ROW UPDATE patient SET touched = UUID_SHORT() WHERE patient_id IN (OLD.patient_id, NEW.patient_id);
CREATE TRIGGER home_reconciliation_is_gone AFTER DELETE ON home_reconciliation FOR EACH ROW UPDATE patient SET touched = UUID_SHORT() WHERE patient_id = OLD.patient_id;

-- Every decision, the newest too: added, never changed, never deleted.
CREATE TABLE home_reconciliation_version (
    statement_id      BINARY(16)   NOT NULL,
    statement_version INT          NOT NULL,
    version           INT          NOT NULL,
    patient_id        BINARY(16)   NOT NULL,
    decided_at_us     BIGINT       NOT NULL,
    actor             VARCHAR(128) NOT NULL,
    event_id          BINARY(16)   NOT NULL,
    sealed            BLOB         NOT NULL,
    PRIMARY KEY (statement_id, statement_version, version),
    FOREIGN KEY (patient_id) REFERENCES patient (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TRIGGER home_reconciliation_version_is_not_changed BEFORE UPDATE ON home_reconciliation_version FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a version is not changed';
CREATE TRIGGER home_reconciliation_version_is_not_deleted BEFORE DELETE ON home_reconciliation_version FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a version is not deleted';
