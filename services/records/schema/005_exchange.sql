-- Imports by their id, so that a cut one is taken up and not done twice.
CREATE TABLE import_run (
    import_id     VARCHAR(128) NOT NULL PRIMARY KEY,
    source        VARCHAR(128) NOT NULL,
    started_by    VARCHAR(128) NOT NULL,
    started_at_us BIGINT       NOT NULL,
    done_at_us    BIGINT       NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- What could not go in. problems, sealed: the list of them, and the JSON as it came, each sealed under the item's own key
-- (owner_key). Without its key an item says that it was, and nothing else.
CREATE TABLE quarantine (
    item_id       BINARY(16)   NOT NULL PRIMARY KEY,
    import_id     VARCHAR(128) NOT NULL,
    position      VARCHAR(64)  NOT NULL,
    kind          TINYINT      NOT NULL,
    patient_id    BINARY(16)   NULL,
    at_us         BIGINT       NOT NULL,
    state         TINYINT      NOT NULL,
    problems      BLOB         NOT NULL,
    sealed        MEDIUMBLOB   NULL,
    decided_by    VARCHAR(128) NULL,
    decided_at_us BIGINT       NULL,
    resource_id   BINARY(16)   NULL,
    KEY quarantine_of_import (import_id, at_us, item_id),
    KEY quarantine_by_state (state, at_us, item_id),
    KEY quarantine_by_time (at_us, item_id),
    KEY quarantine_of (patient_id),
    KEY quarantine_became (resource_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
