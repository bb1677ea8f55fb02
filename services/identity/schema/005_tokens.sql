-- What a use asks for. liveness: 1 none, 2 passive, 3 active, 4 attended.
CREATE TABLE use_policy (
    purpose         VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    liveness        TINYINT      NOT NULL CHECK (liveness BETWEEN 1 AND 4),
    max_fmr         DOUBLE       NOT NULL,
    allow_face      BOOLEAN      NOT NULL,
    allow_wristband BOOLEAN      NOT NULL,
    allow_search    BOOLEAN      NOT NULL,
    witness         BOOLEAN      NOT NULL,
    set_by          VARCHAR(128) NOT NULL,
    set_at_us       BIGINT       NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Tokens that were taken, until they would be too old anyway (and a day more, for the caller's
-- retries): the one place where single use is decided.
CREATE TABLE spent_token (
    token_id        BINARY(16)   NOT NULL PRIMARY KEY,
    spent_by        VARCHAR(128) NOT NULL,
    idempotency_key VARCHAR(128) NOT NULL,
    spent_at_us     BIGINT       NOT NULL,
    KEY spent_at (spent_at_us)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Issued challenges. steps: one digit each, ChallengeStep's numbers.
CREATE TABLE challenge (
    challenge_id  BINARY(16)   NOT NULL PRIMARY KEY,
    subject_id    BINARY(16)   NULL,
    purpose       VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    steps         VARCHAR(8)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    issued_to     VARCHAR(128) NOT NULL,
    expires_at_us BIGINT       NOT NULL,
    used_at_us    BIGINT       NULL,
    KEY challenge_expiry (expires_at_us)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- The equal way: keyed hashes of the wristband (type "") and of second identifiers.
CREATE TABLE identifier_hash (
    subject_id BINARY(16)  NOT NULL,
    type       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    hash       BINARY(32)  NOT NULL,
    -- The wristband's hash again, NULL for others: unique among subjects.
    wristband  BINARY(32)  NULL,
    PRIMARY KEY (subject_id, type),
    UNIQUE KEY wristband_once (wristband),
    FOREIGN KEY (subject_id) REFERENCES subject (subject_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE identifier_miss (
    subject_id BINARY(16) NOT NULL,
    at_us      BIGINT     NOT NULL,
    KEY misses_of (subject_id, at_us)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
