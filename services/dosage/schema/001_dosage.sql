-- Orders, checks and doses. Times are microseconds since 1970-01-01T00:00:00Z. What an order, a decision or a dose says lies sealed
-- under its patient's key; beside it stands in the clear what is searched or counted by: ids, states, times, wards, people of staff.

-- Who has orders. root_id: whom they were merged into in records, at the end of the chain; themselves where not. ward: where they lay
-- when the chart was read or an order was written last, and ward_at_us, when that was: what a ward's lists and packs go by. '' where no
-- order of theirs has a ward.
CREATE TABLE patient (
    patient_id    BINARY(16) NOT NULL PRIMARY KEY,
    root_id       BINARY(16) NOT NULL,
    created_at_us BIGINT     NOT NULL,
    erased_at_us  BIGINT     NULL,
    ward          VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL DEFAULT '',
    ward_at_us    BIGINT     NOT NULL DEFAULT 0,
    KEY patient_root (root_id),
    KEY patient_in_ward (ward)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Who was merged into whom in records, directly, as its feed told it: what an unmerge takes apart again. The rows of `patient` follow
-- (root_id); both sides have one, with a key, from the first merge on. One who was erased in records has one without a key, so that
-- nothing of theirs is written any more.
CREATE TABLE patient_merge (
    from_id BINARY(16) NOT NULL PRIMARY KEY,
    into_id BINARY(16) NOT NULL,
    KEY patient_merge_into (into_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- A random key for each patient, wrapped by a key-encryption key. Without the row nobody reads anything of theirs again.
CREATE TABLE owner_key (
    owner_id BINARY(16)    NOT NULL PRIMARY KEY,
    kek      INT           NOT NULL,
    wrapped  VARBINARY(60) NOT NULL CHECK (LENGTH(wrapped) = 60),
    KEY owner_key_kek (kek)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE ward (
    ward           VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL PRIMARY KEY,
    time_zone      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    before_minutes INT NOT NULL,
    after_minutes  INT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Where records' feed was read to.
CREATE TABLE feed_position (
    one      TINYINT        NOT NULL PRIMARY KEY CHECK (one = 1),
    token    VARBINARY(256) NOT NULL,
    sequence BIGINT         NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Rule sets, serialized; content never changes. state: RuleSetState.
CREATE TABLE rule_set (
    version         BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    state           TINYINT      NOT NULL,
    title           VARCHAR(120) NOT NULL,
    notice          VARCHAR(500) NOT NULL,
    sha256          BINARY(32)   NOT NULL,
    drugs           INT          NOT NULL,
    rules           INT          NOT NULL,
    content         MEDIUMBLOB   NOT NULL,
    drafted_by      VARCHAR(128) NOT NULL,
    drafted_at_us   BIGINT       NOT NULL,
    replayed        BIGINT       NOT NULL DEFAULT 0,
    replayed_at_us  BIGINT       NOT NULL DEFAULT 0,
    approved_by     VARCHAR(128) NOT NULL DEFAULT '',
    approved_at_us  BIGINT       NOT NULL DEFAULT 0,
    activated_by    VARCHAR(128) NOT NULL DEFAULT '',
    activated_at_us BIGINT       NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TRIGGER rule_set_stays BEFORE DELETE ON rule_set FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a rule set is not deleted';
CREATE TRIGGER rule_set_content BEFORE UPDATE ON rule_set FOR EACH ROW BEGIN IF NEW.content <> OLD.content OR NEW.sha256 <> OLD.sha256 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a rule set is not changed'; END IF; END;
CREATE TABLE rule_set_active (
    one     TINYINT NOT NULL PRIMARY KEY CHECK (one = 1),
    version BIGINT  NOT NULL,
    FOREIGN KEY (version) REFERENCES rule_set (version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- The current version of each order. sealed: Order. state: OrderState. ends_at_us: its end, or two days beyond its last dose; the
-- greatest BIGINT where it has neither.
CREATE TABLE drug_order (
    patient_id    BINARY(16) NOT NULL,
    order_id      BINARY(16) NOT NULL,
    version       INT        NOT NULL,
    state         TINYINT    NOT NULL,
    ward          VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    starts_at_us  BIGINT     NOT NULL,
    ends_at_us    BIGINT     NOT NULL,
    written_at_us BIGINT     NOT NULL,
    sealed        BLOB       NOT NULL,
    PRIMARY KEY (patient_id, order_id),
    UNIQUE KEY drug_order_by_id (order_id),
    KEY drug_order_of_ward (ward, state, ends_at_us, order_id),
    KEY drug_order_running (patient_id, state, ends_at_us),
    FOREIGN KEY (patient_id) REFERENCES patient (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Every version, the current one too: added, never changed, never deleted.
CREATE TABLE order_version (
    patient_id    BINARY(16)   NOT NULL,
    order_id      BINARY(16)   NOT NULL,
    version       INT          NOT NULL,
    state         TINYINT      NOT NULL,
    written_at_us BIGINT       NOT NULL,
    actor         VARCHAR(128) NOT NULL,
    event_id      BINARY(16)   NOT NULL,
    sealed        BLOB         NOT NULL,
    PRIMARY KEY (patient_id, order_id, version),
    FOREIGN KEY (patient_id) REFERENCES patient (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TRIGGER order_version_is_not_changed BEFORE UPDATE ON order_version FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a version is not changed';
CREATE TRIGGER order_version_is_not_deleted BEFORE DELETE ON order_version FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a version is not deleted';

-- Decisions. sealed: Decision. decision_id is a UUIDv7: rising with time. purpose, outcome: CheckPurpose, Outcome.
CREATE TABLE decision (
    decision_id      BINARY(16) NOT NULL PRIMARY KEY,
    patient_id       BINARY(16) NOT NULL,
    decided_at_us    BIGINT     NOT NULL,
    purpose          TINYINT    NOT NULL,
    outcome          TINYINT    NOT NULL,
    rule_set_version BIGINT     NOT NULL,
    sealed           MEDIUMBLOB NOT NULL,
    KEY decision_of_patient (patient_id, decision_id),
    FOREIGN KEY (patient_id) REFERENCES patient (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TRIGGER decision_is_not_changed BEFORE UPDATE ON decision FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a decision is not changed';
CREATE TRIGGER decision_is_not_deleted BEFORE DELETE ON decision FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a decision is not deleted';
-- What they found, for the burden of rules: a rule that found several things in one decision counts once, at its worst. A rule's name
-- may tell the drug, so nothing here leads to the decision, its patient or its person. finding_id: random. at_us: the hour it was in.
-- overridden: it was, and what was asked for was done. followed: that was not done. How often a rule speaks is asked of a span of time
-- and answered from the index alone.
CREATE TABLE finding (
    finding_id  BINARY(16)  NOT NULL PRIMARY KEY,
    rule_id     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    at_us       BIGINT      NOT NULL,
    severity    TINYINT     NOT NULL,
    purpose     TINYINT     NOT NULL,
    overridden  BOOLEAN     NOT NULL,
    followed    BOOLEAN     NOT NULL,
    ward        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    KEY finding_burden (at_us, rule_id, overridden, followed)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Doses: the current version of each. sealed: Administration. outcome: DoseOutcome. counts: the patient got it, and it stands.
-- order_id NULL: an emergency without one. acknowledge_by_us: of an emergency that nobody acknowledged yet, else NULL.
-- due_at_us NULL: it had no slot.
CREATE TABLE administration (
    patient_id        BINARY(16)   NOT NULL,
    administration_id BINARY(16)   NOT NULL,
    version           INT          NOT NULL,
    order_id          BINARY(16)   NULL,
    due_at_us         BIGINT       NULL,
    outcome           TINYINT      NOT NULL,
    counts            BOOLEAN      NOT NULL,
    given_at_us       BIGINT       NOT NULL,
    recorded_at_us    BIGINT       NOT NULL,
    recorded_by       VARCHAR(128) NOT NULL,
    second_person     VARCHAR(128) NOT NULL,
    ward              VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    place             VARCHAR(64)  NOT NULL,
    scanned           BOOLEAN      NOT NULL,
    emergency         BOOLEAN      NOT NULL,
    acknowledge_by_us BIGINT       NULL,
    sealed            BLOB         NOT NULL,
    PRIMARY KEY (patient_id, administration_id),
    UNIQUE KEY administration_by_id (administration_id),
    KEY administration_given (patient_id, given_at_us),
    KEY administration_of_order (order_id, due_at_us),
    KEY administration_recorded (recorded_at_us),
    KEY administration_open (acknowledge_by_us),
    FOREIGN KEY (patient_id) REFERENCES patient (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE administration_version (
    patient_id        BINARY(16)   NOT NULL,
    administration_id BINARY(16)   NOT NULL,
    version           INT          NOT NULL,
    written_at_us     BIGINT       NOT NULL,
    actor             VARCHAR(128) NOT NULL,
    event_id          BINARY(16)   NOT NULL,
    sealed            BLOB         NOT NULL,
    PRIMARY KEY (patient_id, administration_id, version),
    FOREIGN KEY (patient_id) REFERENCES patient (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TRIGGER administration_version_is_not_changed BEFORE UPDATE ON administration_version FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a version is not changed';
CREATE TRIGGER administration_version_is_not_deleted BEFORE DELETE ON administration_version FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a version is not deleted';

-- One transition a slot: who inserts the row charted it. A correction that takes a dose back deletes it.
CREATE TABLE slot_taken (
    order_id          BINARY(16) NOT NULL,
    due_at_us         BIGINT     NOT NULL,
    administration_id BINARY(16) NOT NULL,
    PRIMARY KEY (order_id, due_at_us)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- What was handed out for an order (below 0: taken back). sealed: Quantity, as given.
CREATE TABLE supply (
    patient_id     BINARY(16)   NOT NULL,
    supply_id      BINARY(16)   NOT NULL,
    order_id       BINARY(16)   NOT NULL,
    recorded_at_us BIGINT       NOT NULL,
    recorded_by    VARCHAR(128) NOT NULL,
    sealed         BLOB         NOT NULL,
    PRIMARY KEY (patient_id, order_id, supply_id),
    KEY supply_of_order (order_id),
    FOREIGN KEY (patient_id) REFERENCES patient (patient_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Tokens that were offered and were not good for it. kind: "foreign", "spent", "place".
CREATE TABLE token_misuse (
    at_us    BIGINT       NOT NULL,
    event_id BINARY(16)   NOT NULL,
    actor    VARCHAR(128) NOT NULL,
    ward     VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    place    VARCHAR(64)  NOT NULL,
    kind     VARCHAR(16)  CHARACTER SET ascii NOT NULL,
    PRIMARY KEY (event_id),
    KEY token_misuse_at (at_us)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Patterns found, for review. about: who and where, hashed with kind and window, so that one is found once. rule_id: of a habit of
-- overriding, else ''. out_of: `counted` of so many; 0 where nothing is a part of anything.
CREATE TABLE workaround (
    workaround_id  BINARY(16)   NOT NULL PRIMARY KEY,
    about          BINARY(32)   NOT NULL,
    kind           TINYINT      NOT NULL,
    ward           VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    actor          VARCHAR(128) NOT NULL,
    place          VARCHAR(64)  NOT NULL,
    evidence       BLOB         NOT NULL,
    counted        INT          NOT NULL,
    threshold      INT          NOT NULL,
    first_at_us    BIGINT       NOT NULL,
    last_at_us     BIGINT       NOT NULL,
    reviewed_by    VARCHAR(128) NOT NULL DEFAULT '',
    reviewed_at_us BIGINT       NOT NULL DEFAULT 0,
    verdict        TINYINT      NOT NULL DEFAULT 0,
    rule_id        VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL DEFAULT '',
    out_of         INT          NOT NULL DEFAULT 0,
    UNIQUE KEY workaround_about (about),
    KEY workaround_last (last_at_us)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Everything recorded before looked_to_us was looked at.
CREATE TABLE watch_position (
    one          TINYINT NOT NULL PRIMARY KEY CHECK (one = 1),
    looked_to_us BIGINT  NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Packs given out, entries brought in (each once), and slots that two charted.
-- What there is to say of an entry names rules, and rules tell drugs: sealed under its patient's key. sealed: ReconcileResult. said: what
-- the entry said, as a MAC under that key: an id that comes again with something else is not that entry.
CREATE TABLE pack (
    pack_id       BINARY(16)   NOT NULL PRIMARY KEY,
    ward          VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    made_at_us    BIGINT       NOT NULL,
    expires_at_us BIGINT       NOT NULL,
    made_by       VARCHAR(128) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE offline_entry (
    entry_id          BINARY(16)   NOT NULL PRIMARY KEY,
    pack_id           BINARY(16)   NOT NULL,
    state             TINYINT      NOT NULL,
    administration_id BINARY(16)   NULL,
    said              BINARY(32)   NOT NULL,
    sealed            BLOB         NOT NULL,
    at_us             BIGINT       NOT NULL,
    KEY offline_entry_of (administration_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE conflict (
    conflict_id   BINARY(16)  NOT NULL PRIMARY KEY,
    ward          VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    charted_id    BINARY(16)  NOT NULL,
    offline_id    BINARY(16)  NOT NULL,
    at_us         BIGINT      NOT NULL,
    resolved_by   VARCHAR(128) NOT NULL DEFAULT '',
    resolved_at_us BIGINT     NOT NULL DEFAULT 0,
    which         TINYINT     NOT NULL DEFAULT 0,
    KEY conflict_of_ward (ward, resolved_at_us, conflict_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
