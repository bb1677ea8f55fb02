-- What changed, in the transaction that changed it. It has no place in the feed yet: numbers that are given before a commit leave
-- gaps and come out of order when several replicas write.
CREATE TABLE change_new (
    id               BIGINT     NOT NULL AUTO_INCREMENT PRIMARY KEY,
    kind             TINYINT    NOT NULL,
    act              TINYINT    NOT NULL,
    version          INT        NOT NULL,
    written_at_us    BIGINT     NOT NULL,
    resource_id      BINARY(16) NOT NULL,
    patient_id       BINARY(16) NOT NULL,
    other_patient_id BINARY(16) NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- The feed: one replica at a time (the row of feed_end is locked) moves what is committed here and numbers it.
CREATE TABLE feed_change (
    sequence         BIGINT     NOT NULL PRIMARY KEY,
    kind             TINYINT    NOT NULL,
    act              TINYINT    NOT NULL,
    version          INT        NOT NULL,
    written_at_us    BIGINT     NOT NULL,
    resource_id      BINARY(16) NOT NULL,
    patient_id       BINARY(16) NOT NULL,
    other_patient_id BINARY(16) NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE feed_end (
    one      TINYINT    NOT NULL PRIMARY KEY CHECK (one = 1),
    sequence BIGINT     NOT NULL,
    feed_id  BINARY(16) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO feed_end (one, sequence, feed_id) VALUES (1, 0, RANDOM_BYTES(16));
