-- The chart. Times are microseconds since 1970-01-01T00:00:00Z. What a resource says lies sealed in `version` under its
-- patient's key; beside it stands in the clear only what is searched or counted by: kinds, codes, dates, numbers. Names,
-- identifiers, contacts and free text are nowhere in the clear; they are found by keyed hashes (`token`).

-- Who has a chart. root_id: whom they were merged into, at the end of the chain; themselves where not.
CREATE TABLE patient (
    patient_id          BINARY(16) NOT NULL PRIMARY KEY,
    root_id             BINARY(16) NOT NULL,
    gender              TINYINT    NOT NULL DEFAULT 0,
    birth_us            BIGINT     NULL,
    created_at_us       BIGINT     NOT NULL,
    key_sha256          BINARY(32) NOT NULL,
    erased_at_us        BIGINT     NULL,
    KEY patient_root (root_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- A random key for each patient, and for each entry in quarantine, wrapped by a key-encryption key. Without a patient's row nobody
-- reads their chart again.
CREATE TABLE owner_key (
    owner_id BINARY(16)    NOT NULL PRIMARY KEY,
    kek      INT           NOT NULL,
    wrapped  VARBINARY(60) NOT NULL CHECK (LENGTH(wrapped) = 60),
    KEY owner_key_kek (kek)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Every version of everything, the current ones too, by patient: added, never changed, never deleted. event_id: its audit event.
-- sealed: the Resource, serialized, bound to patient, resource and version.
CREATE TABLE version (
    patient_id    BINARY(16)   NOT NULL,
    resource_id   BINARY(16)   NOT NULL,
    version       INT          NOT NULL,
    kind          TINYINT      NOT NULL,
    act           TINYINT      NOT NULL,
    written_at_us BIGINT       NOT NULL,
    actor         VARCHAR(128) NOT NULL,
    purpose       VARCHAR(64)  NOT NULL,
    peer          VARCHAR(64)  NOT NULL,
    device        VARCHAR(128) NOT NULL,
    model         VARCHAR(128) NOT NULL,
    model_sha256  CHAR(64)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    event_id      BINARY(16)   NOT NULL,
    sealed        MEDIUMBLOB   NOT NULL,
    PRIMARY KEY (patient_id, resource_id, version),
    FOREIGN KEY (patient_id) REFERENCES patient (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TRIGGER version_is_not_changed BEFORE UPDATE ON version FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a version is not changed';
CREATE TRIGGER version_is_not_deleted BEFORE DELETE ON version FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a version is not deleted';

-- The current version of each resource, and what it is searched by: an update costs the same at the first and the thousandth.
-- from_us, to_us: the kind's date, half-open (birth date, period, effective, onset, date); the least BIGINT where there is none.
-- from2_us, to2_us: the second (issued, recordedDate). status: the kind's enum; wrong: entered in error. labels: bits of
-- access/label.h. value, unit: a numeric observation in canonical UCUM.
CREATE TABLE resource (
    resource_id   BINARY(16) NOT NULL,
    patient_id    BINARY(16) NOT NULL,
    kind          TINYINT    NOT NULL,
    version       INT        NOT NULL,
    written_at_us BIGINT     NOT NULL,
    status        TINYINT    NOT NULL,
    wrong         BOOLEAN    NOT NULL,
    labels        INT        NOT NULL,
    from_us       BIGINT     NOT NULL,
    to_us         BIGINT     NOT NULL,
    from2_us      BIGINT     NULL,
    to2_us        BIGINT     NULL,
    encounter_id  BINARY(16) NULL,
    value         DOUBLE     NULL,
    unit          VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
    PRIMARY KEY (patient_id, resource_id),
    UNIQUE KEY resource_by_id (resource_id),
    KEY resource_by_date (patient_id, kind, from_us, resource_id),
    KEY resource_of_kind (kind, from_us, resource_id),
    KEY resource_written (kind, written_at_us, resource_id),
    FOREIGN KEY (patient_id) REFERENCES patient (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- What a resource is found by. param: store/param.h. hash: of "system|code" and of "|code" (SHA-256, cut), or keyed where the text
-- is a person's: identifiers, every beginning of each word of a name, telecom, postal code. at_us: the resource's from_us.
CREATE TABLE token (
    patient_id  BINARY(16) NOT NULL,
    param       TINYINT    NOT NULL,
    hash        BINARY(16) NOT NULL,
    at_us       BIGINT     NOT NULL,
    resource_id BINARY(16) NOT NULL,
    PRIMARY KEY (patient_id, param, hash, at_us, resource_id),
    KEY token_everywhere (param, hash, at_us, resource_id),
    KEY token_of (patient_id, resource_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Codes behind the hashes of tokens, for counts: of known terminologies alone, written as those write them, and never what somebody
-- called one. Not about anybody: it outlives an erasure.
CREATE TABLE coding (
    hash   BINARY(16)   NOT NULL PRIMARY KEY,
    system VARCHAR(255) CHARACTER SET ascii NOT NULL,
    code   VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Conditional creates of one identifier wait for each other here.
CREATE TABLE identifier_gate (
    hash BINARY(16) NOT NULL PRIMARY KEY
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- What was put right on the way in, sealed (a serialized list of Cleaned), bound as the version is.
CREATE TABLE cleaned (
    patient_id  BINARY(16) NOT NULL,
    resource_id BINARY(16) NOT NULL,
    version     INT        NOT NULL,
    sealed      MEDIUMBLOB NOT NULL,
    PRIMARY KEY (patient_id, resource_id, version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Attachments by their hash, once a patient, sealed under the patient's key: their content type (type) and, 1 MiB a part, their
-- bytes.
CREATE TABLE attachment (
    patient_id BINARY(16)     NOT NULL,
    sha256     BINARY(32)     NOT NULL,
    size       INT            NOT NULL,
    put_at_us  BIGINT         NOT NULL,
    type       VARBINARY(160) NOT NULL,
    PRIMARY KEY (patient_id, sha256),
    FOREIGN KEY (patient_id) REFERENCES patient (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
-- Who put the bytes: they may name them in a resource, as may who sees one that names them.
CREATE TABLE attachment_put (
    patient_id BINARY(16)   NOT NULL,
    sha256     BINARY(32)   NOT NULL,
    actor      VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
    PRIMARY KEY (patient_id, sha256, actor)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE attachment_part (
    patient_id BINARY(16) NOT NULL,
    sha256     BINARY(32) NOT NULL,
    part       TINYINT    NOT NULL,
    sealed     MEDIUMBLOB NOT NULL,
    PRIMARY KEY (patient_id, sha256, part)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
