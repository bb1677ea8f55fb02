-- Who may see a chart, and who did.

-- Encounters that are open in a ward, and from when until when: who works there treats the patient meanwhile. The least and the
-- greatest BIGINT: it does not say.
CREATE TABLE open_encounter (
    ward         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    patient_id   BINARY(16)  NOT NULL,
    encounter_id BINARY(16)  NOT NULL,
    from_us      BIGINT      NOT NULL DEFAULT -9223372036854775808,
    until_us     BIGINT      NOT NULL DEFAULT 9223372036854775807,
    PRIMARY KEY (ward, patient_id, encounter_id, from_us),
    KEY open_of_patient (patient_id),
    KEY open_of_encounter (encounter_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- The wards of every encounter, closed ones too, for counts.
CREATE TABLE encounter_ward (
    encounter_id BINARY(16)  NOT NULL,
    ward         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    patient_id   BINARY(16)  NOT NULL,
    PRIMARY KEY (encounter_id, ward),
    KEY ward_of (ward, encounter_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Names of persons and roles are compared byte for byte.
-- What active consents deny. actor: a token's subject; role: one of theirs; both NULL: everybody. kinds, labels: bits, 0: all.
CREATE TABLE consent_deny (
    consent_id BINARY(16)   NOT NULL,
    n          INT          NOT NULL,
    patient_id BINARY(16)   NOT NULL,
    actor      VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NULL,
    role       VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NULL,
    kinds      INT          NOT NULL,
    labels     INT          NOT NULL,
    from_us    BIGINT       NOT NULL,
    to_us      BIGINT       NOT NULL,
    PRIMARY KEY (consent_id, n),
    KEY deny_of (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE glass (
    glass_id       BINARY(16)   NOT NULL PRIMARY KEY,
    patient_id     BINARY(16)   NOT NULL,
    actor          VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
    ward           VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
    reason         TINYINT      NOT NULL,
    explanation    BLOB         NOT NULL,
    from_us        BIGINT       NOT NULL,
    until_us       BIGINT       NOT NULL,
    reviewed_by    VARCHAR(128) NULL,
    reviewed_at_us BIGINT       NULL,
    verdict        TINYINT      NULL,
    note           BLOB         NULL,
    KEY glass_of (patient_id, actor, until_us),
    KEY glass_by (actor, until_us),
    KEY glass_waiting (reviewed_at_us, from_us, glass_id),
    KEY glass_by_age (from_us, glass_id),
    FOREIGN KEY (patient_id) REFERENCES patient (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- The audit events that this service wrote about a patient: what audit's answer is checked against.
CREATE TABLE seen (
    patient_id BINARY(16) NOT NULL,
    at_us      BIGINT     NOT NULL,
    event_id   BINARY(16) NOT NULL,
    glass_id   BINARY(16) NULL,
    PRIMARY KEY (patient_id, at_us, event_id),
    KEY seen_under (glass_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
