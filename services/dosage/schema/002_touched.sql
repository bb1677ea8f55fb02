-- touched: a random number, drawn anew by whoever writes an order or a dose of the patient: what a replica keeps of them in memory is
-- of one number.
ALTER TABLE patient ADD COLUMN touched BIGINT NOT NULL DEFAULT 0;
