-- The consent ledger: lines are added and ended, never changed.
CREATE TABLE consent_entry (
    entry_id        BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    subject_id      BINARY(16)  NOT NULL,
    purpose         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    text_version    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    given_by        VARCHAR(64) NOT NULL,
    recorded_by     VARCHAR(128) NOT NULL,
    given_at_us     BIGINT      NOT NULL,
    withdrawn_at_us BIGINT      NULL,
    withdrawn_by    VARCHAR(128) NULL,
    KEY consent_of (subject_id, purpose),
    FOREIGN KEY (subject_id) REFERENCES subject (subject_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO consent_entry (subject_id, purpose, text_version, given_by, recorded_by, given_at_us, withdrawn_at_us)
    SELECT subject_id, purpose, text_version, given_by, '', given_at_us, withdrawn_at_us FROM consent;
DROP TABLE consent;

-- key_sha256 and key_destroyed_at_us stay when the key goes: by them an auditor sees that it is gone.
ALTER TABLE subject
    ADD COLUMN retain_until_us     BIGINT     NULL,
    ADD COLUMN key_sha256          BINARY(32) NULL,
    ADD COLUMN key_destroyed_at_us BIGINT     NULL,
    ADD KEY subject_retained (retain_until_us);

-- Which key-encryption key wraps it; 0 is the root key itself.
ALTER TABLE face_key
    ADD COLUMN kek INT NOT NULL DEFAULT 0,
    ADD KEY face_key_kek (kek);

-- Several a model. generation: of the transform that turned it before it was sealed; 0 is none.
ALTER TABLE template
    ADD COLUMN generation INT NOT NULL DEFAULT 0,
    ADD COLUMN dim        INT NOT NULL DEFAULT 512,
    ADD KEY template_of_subject (subject_id, model_sha256),
    DROP KEY template_of;

-- The photograph a template was made from, sealed under the subject's key: only with that consent.
CREATE TABLE sealed_photo (
    template_id BINARY(16)  NOT NULL PRIMARY KEY,
    subject_id  BINARY(16)  NOT NULL,
    sealed      LONGBLOB    NOT NULL,
    kept_at_us  BIGINT      NOT NULL,
    KEY photo_of (subject_id),
    FOREIGN KEY (subject_id) REFERENCES face_key (subject_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Enrolled while this replica could not search for others who look like them: searched for later.
CREATE TABLE duplicate_search (
    subject_id BINARY(16) NOT NULL PRIMARY KEY,
    asked_us   BIGINT     NOT NULL,
    FOREIGN KEY (subject_id) REFERENCES subject (subject_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
