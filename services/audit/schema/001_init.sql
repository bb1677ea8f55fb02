-- The log: one row a leaf. `leaf` is what the tree hashes and never changes. `content` is salt and
-- event, sealed under content_key `key_id`; patient, actor and action are keyed hashes to search
-- by. Erasing takes content and patient away and leaves the rest.
CREATE TABLE entry (
    idx BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    event_id BINARY(16) NOT NULL,
    occurred_at_us BIGINT NOT NULL,
    outcome TINYINT UNSIGNED NOT NULL,
    service VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    patient BINARY(16) NULL,
    actor BINARY(16) NULL,
    action BINARY(16) NOT NULL,
    key_id BIGINT UNSIGNED NOT NULL,
    leaf VARBINARY(255) NOT NULL,
    content VARBINARY(8320) NULL,
    UNIQUE KEY by_event (event_id),
    KEY by_patient (patient, occurred_at_us),
    KEY by_actor (actor, occurred_at_us),
    KEY by_action (action, occurred_at_us),
    KEY by_outcome (outcome, occurred_at_us),
    KEY by_time (occurred_at_us)
) ENGINE = InnoDB;

-- Roots of complete subtrees of 16, 256, 4096 ... leaves; what lies between is computed from the
-- level below when a proof asks for it.
CREATE TABLE node (
    level TINYINT UNSIGNED NOT NULL,
    pos BIGINT UNSIGNED NOT NULL,
    hash BINARY(32) NOT NULL,
    PRIMARY KEY (level, pos)
) ENGINE = InnoDB;

-- The newest signed head, one row. Its lock is what puts the replicas' appends in an order.
CREATE TABLE head (
    id TINYINT NOT NULL PRIMARY KEY CHECK (id = 1),
    origin VARCHAR(96) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    size BIGINT UNSIGNED NOT NULL,
    root VARBINARY(32) NOT NULL,
    frontier VARBINARY(2016) NOT NULL,
    signer INT UNSIGNED NOT NULL,
    content_epoch BIGINT UNSIGNED NOT NULL,
    note VARBINARY(8192) NOT NULL
) ENGINE = InnoDB;

-- Keys that sign heads; `wrapped` is the seed under the key-encryption key.
CREATE TABLE signing_key (
    number INT UNSIGNED NOT NULL PRIMARY KEY,
    vkey VARCHAR(160) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    wrapped VARBINARY(64) NOT NULL,
    created_at_us BIGINT NOT NULL,
    first_size BIGINT UNSIGNED NOT NULL,
    handover VARBINARY(8192) NOT NULL
) ENGINE = InnoDB;

-- One key for each patient, and one a day for each service's events about nobody. Destroying a row
-- destroys what it sealed.
CREATE TABLE content_key (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    subject BINARY(16) NOT NULL,
    wrapped VARBINARY(64) NOT NULL,
    UNIQUE KEY by_subject (subject)
) ENGINE = InnoDB;

-- Erasures whose rows are still to be cleared; the key is gone already.
CREATE TABLE erasing (
    key_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    patient BINARY(16) NOT NULL
) ENGINE = InnoDB;

CREATE TABLE secret (
    name VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    wrapped VARBINARY(64) NOT NULL
) ENGINE = InnoDB;

-- What came over the bus and is no event. Each row has an event of its own in the log.
CREATE TABLE quarantine (
    event_id BINARY(16) NOT NULL PRIMARY KEY,
    item_id BINARY(16) NOT NULL,
    peer VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    at_us BIGINT NOT NULL,
    reason VARCHAR(160) NOT NULL,
    key_id BIGINT UNSIGNED NOT NULL,
    sealed MEDIUMBLOB NOT NULL
) ENGINE = InnoDB;
