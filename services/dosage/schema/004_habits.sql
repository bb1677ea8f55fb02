-- Doses given in emergencies. drug: a keyed hash of person, ward and drug, so that a row does not tell the drug. hard: the check found a
-- hard stop. order_by_us: an order for such a dose is written by then. own: the person who gave the dose acknowledged it.
CREATE TABLE emergency_given (
    administration_id BINARY(16)   NOT NULL PRIMARY KEY,
    at_us             BIGINT       NOT NULL,
    order_by_us       BIGINT       NOT NULL,
    actor             VARCHAR(128) NOT NULL,
    ward              VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    drug              BINARY(16)   NOT NULL,
    hard              BOOLEAN      NOT NULL,
    own               BOOLEAN      NOT NULL DEFAULT FALSE,
    KEY emergency_given_at (at_us),
    KEY emergency_given_order_by (order_by_us)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- When versions were written: corrections are counted by it.
ALTER TABLE administration_version ADD KEY administration_version_written (written_at_us);

-- own: how many of the counted doses the same person acknowledged.
ALTER TABLE workaround ADD COLUMN own INT NOT NULL DEFAULT 0;
