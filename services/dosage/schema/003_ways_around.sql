-- What shows a way around the checks.

-- The minutes (since 1970-01-01T00:00:00Z) in which a replica answered a nurse of the ward. A dose that is reconciled for such a minute was
-- not given while the ward was cut off. The watcher deletes minutes older than 14 days.
CREATE TABLE ward_answered (
    minute BIGINT      NOT NULL,
    ward   VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    PRIMARY KEY (minute, ward)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- People who called this service with their own token, or witnessed with it. person: the token's subject, trimmed and in lower case.
-- gives, witnesses: their roles may give doses, or watch. at_us: the last day that they were seen.
CREATE TABLE person_seen (
    person    VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL PRIMARY KEY,
    gives     BOOLEAN NOT NULL,
    witnesses BOOLEAN NOT NULL,
    at_us     BIGINT  NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Second persons' tokens that were used, and the call that each was used for: one call each. The watcher deletes them after an hour:
-- a token that was issued more than 5 minutes ago is refused without them.
CREATE TABLE second_person_used (
    token   BINARY(32) NOT NULL PRIMARY KEY,
    used_by BINARY(32) NOT NULL,
    at_us   BIGINT     NOT NULL,
    KEY second_person_used_at (at_us)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- while_up: the entry's dose was given at a time at which the service answered the ward.
ALTER TABLE offline_entry ADD COLUMN while_up BOOLEAN NOT NULL DEFAULT FALSE, ADD KEY offline_entry_up (while_up, at_us);
