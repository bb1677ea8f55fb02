-- touched: another number with each order and dose of the patient that is written, whoever writes it: what a replica keeps of them in
-- memory is of one number. Never one that was there before, also not where a database was put back to yesterday.
ALTER TABLE patient ADD COLUMN touched BIGINT NOT NULL DEFAULT 0;
CREATE TRIGGER drug_order_is_new AFTER INSERT ON drug_order FOR EACH ROW UPDATE patient SET touched = UUID_SHORT() WHERE patient_id = NEW.patient_id;
CREATE TRIGGER drug_order_is_changed AFTER UPDATE ON drug_order FOR EACH ROW UPDATE patient SET touched = UUID_SHORT() WHERE patient_id = NEW.patient_id;
CREATE TRIGGER drug_order_is_gone AFTER DELETE ON drug_order FOR EACH ROW UPDATE patient SET touched = UUID_SHORT() WHERE patient_id = OLD.patient_id;
CREATE TRIGGER administration_is_new AFTER INSERT ON administration FOR EACH ROW UPDATE patient SET touched = UUID_SHORT() WHERE patient_id = NEW.patient_id;
CREATE TRIGGER administration_is_changed AFTER UPDATE ON administration FOR EACH ROW UPDATE patient SET touched = UUID_SHORT() WHERE patient_id = NEW.patient_id;
CREATE TRIGGER administration_is_gone AFTER DELETE ON administration FOR EACH ROW UPDATE patient SET touched = UUID_SHORT() WHERE patient_id = OLD.patient_id;
