-- What prescribers are named for.

-- prescribes: the person came as a physician.
ALTER TABLE person_seen ADD COLUMN prescribes BOOLEAN NOT NULL DEFAULT FALSE;

-- Doses given on a prescriber's word. prescriber: the token's subject, trimmed and in lower case. state: Cosignature.State. at_us: when the
-- dose was recorded.
CREATE TABLE cosignature (
    administration_id BINARY(16)   NOT NULL PRIMARY KEY,
    prescriber        VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
    ward              VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    state             TINYINT      NOT NULL,
    at_us             BIGINT       NOT NULL,
    KEY cosignature_of_prescriber (prescriber, state, at_us, administration_id),
    KEY cosignature_of_ward (ward, state, at_us)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
