-- Who there is. What a subject is called elsewhere is external_ref, and nothing else is said of
-- them here. Times are microseconds since 1970-01-01T00:00:00Z. An erased subject keeps its row, so
-- that the audit log's subject ids go on meaning someone.
CREATE TABLE subject (
    subject_id     BINARY(16)  NOT NULL PRIMARY KEY,
    kind           TINYINT     NOT NULL CHECK (kind IN (1, 2)),
    external_ref   VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    enrolled_at_us BIGINT      NOT NULL,
    erased_at_us   BIGINT      NULL,
    UNIQUE KEY subject_external_ref (kind, external_ref)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- That they agreed to their face being used, and until when.
CREATE TABLE consent (
    subject_id      BINARY(16)  NOT NULL PRIMARY KEY,
    purpose         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    text_version    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    given_by        VARCHAR(64) NOT NULL,
    given_at_us     BIGINT      NOT NULL,
    withdrawn_at_us BIGINT      NULL,
    FOREIGN KEY (subject_id) REFERENCES subject (subject_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- A random key for each subject, sealed under the key-encryption key, which is never here. Without
-- this row nobody reads the subject's templates again.
CREATE TABLE face_key (
    subject_id BINARY(16)    NOT NULL PRIMARY KEY,
    wrapped    VARBINARY(60) NOT NULL CHECK (LENGTH(wrapped) = 60),
    FOREIGN KEY (subject_id) REFERENCES subject (subject_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- 512 float32 of length 1, little-endian, sealed under the subject's key and bound to subject,
-- template and model.
CREATE TABLE template (
    template_id     BINARY(16)      NOT NULL PRIMARY KEY,
    subject_id      BINARY(16)      NOT NULL,
    model_sha256    CHAR(64)        CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    sealed          VARBINARY(4096) NOT NULL,
    eye_distance_px DOUBLE          NOT NULL,
    detection_score DOUBLE          NOT NULL,
    created_at_us   BIGINT          NOT NULL,
    UNIQUE KEY template_of (subject_id, model_sha256),
    FOREIGN KEY (subject_id) REFERENCES face_key (subject_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
