-- What concerns no patient, and so far is not interpreted (kind 10): Organization, Practitioner, Location... as imports brought them. What one
-- says lies sealed in `directory_version` under a key of its own (owner_key, by owner_id, which is no patient's and nothing else).
CREATE TABLE directory (
    resource_id   BINARY(16)  NOT NULL PRIMARY KEY,
    owner_id      BINARY(16)  NOT NULL,
    kind          TINYINT     NOT NULL,
    type          VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version       INT         NOT NULL,
    written_at_us BIGINT      NOT NULL,
    wrong         BOOLEAN     NOT NULL,
    KEY directory_of_type (type, resource_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Every version, the current ones too: added, never changed, never deleted, as in `version`.
CREATE TABLE directory_version (
    owner_id      BINARY(16)   NOT NULL,
    resource_id   BINARY(16)   NOT NULL,
    version       INT          NOT NULL,
    kind          TINYINT      NOT NULL,
    act           TINYINT      NOT NULL,
    written_at_us BIGINT       NOT NULL,
    actor         VARCHAR(128) NOT NULL,
    purpose       VARCHAR(64)  NOT NULL,
    peer          VARCHAR(64)  NOT NULL,
    device        VARCHAR(128) NOT NULL,
    event_id      BINARY(16)   NOT NULL,
    sealed        MEDIUMBLOB   NOT NULL,
    PRIMARY KEY (resource_id, version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TRIGGER directory_version_is_not_changed BEFORE UPDATE ON directory_version FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a version is not changed';
CREATE TRIGGER directory_version_is_not_deleted BEFORE DELETE ON directory_version FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a version is not deleted';
