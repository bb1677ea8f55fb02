CREATE TABLE zone (
    zone             VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    anti_passback    BOOLEAN     NOT NULL,
    passback_minutes INT         NOT NULL,
    liveness         TINYINT     NOT NULL CHECK (liveness BETWEEN 1 AND 4)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- One row a role and span of hours, in the order they were given. weekdays as bits (1 Monday .. 64
-- Sunday); 0: the rule has no hours and holds at all times.
CREATE TABLE zone_rule (
    zone         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    rule         INT         NOT NULL,
    span         INT         NOT NULL,
    role         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    weekdays     TINYINT UNSIGNED NOT NULL CHECK (weekdays <= 127),
    start_minute SMALLINT    NOT NULL CHECK (start_minute BETWEEN 0 AND 1439),
    end_minute   SMALLINT    NOT NULL CHECK (end_minute BETWEEN 0 AND 1439),
    PRIMARY KEY (zone, rule, span),
    FOREIGN KEY (zone) REFERENCES zone (zone)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE door (
    door      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    from_zone VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    to_zone   VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    FOREIGN KEY (from_zone) REFERENCES zone (zone),
    FOREIGN KEY (to_zone) REFERENCES zone (zone)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE staff_role (
    subject_id BINARY(16)  NOT NULL,
    role       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (subject_id, role),
    FOREIGN KEY (subject_id) REFERENCES subject (subject_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Where someone was last seen, for anti-passback: decided under the subject's row lock, by all
-- replicas.
CREATE TABLE presence (
    subject_id BINARY(16)  NOT NULL,
    zone       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    inside     BOOLEAN     NOT NULL,
    since_us   BIGINT      NOT NULL,
    PRIMARY KEY (subject_id, zone),
    KEY presence_since (since_us),
    FOREIGN KEY (subject_id) REFERENCES subject (subject_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Every decision; offline ones carry the controller's id and its clock.
CREATE TABLE door_event (
    event_id    BINARY(16)  NOT NULL PRIMARY KEY,
    door        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    direction   TINYINT     NOT NULL,
    subject_id  BINARY(16)  NULL,
    allowed     BOOLEAN     NOT NULL,
    reason      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    at_us       BIGINT      NOT NULL,
    offline     BOOLEAN     NOT NULL,
    received_us BIGINT      NOT NULL,
    KEY door_events (door, at_us),
    KEY door_events_of (subject_id, at_us),
    KEY door_events_received (received_us)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Through which time a peer (the name in its certificate) held a good offline pack of a door: what it
-- may report of that door.
CREATE TABLE door_pack (
    door          VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    peer          VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    fetched_at_us BIGINT       NOT NULL,
    expires_at_us BIGINT       NOT NULL,
    PRIMARY KEY (door, peer, fetched_at_us),
    KEY door_pack_expires (expires_at_us)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Append-only: a correction is a row that adds (strikes NULL) or strikes another out; one that
-- strikes bears the struck one's time and direction, so that it is found in its day.
CREATE TABLE attendance (
    attendance_id BINARY(16)   NOT NULL PRIMARY KEY,
    subject_id    BINARY(16)   NOT NULL,
    direction     TINYINT      NOT NULL,
    at_us         BIGINT       NOT NULL,
    place         VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    recorded_us   BIGINT       NOT NULL,
    corrected_by  VARCHAR(128) NULL,
    why           VARCHAR(200) NULL,
    strikes       BINARY(16)   NULL,
    UNIQUE KEY struck_once (strikes),
    KEY attendance_of (subject_id, at_us),
    KEY attendance_at (at_us),
    FOREIGN KEY (subject_id) REFERENCES subject (subject_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TRIGGER attendance_stays BEFORE UPDATE ON attendance FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'attendance is append-only';
CREATE TRIGGER attendance_is_kept BEFORE DELETE ON attendance FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'attendance is append-only';
