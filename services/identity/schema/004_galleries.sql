-- Galleries made by hand: "ward/3a", "clinic/eye". "patients", "staff" and "all" follow from the kind.
CREATE TABLE gallery_member (
    gallery    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    subject_id BINARY(16)  NOT NULL,
    PRIMARY KEY (gallery, subject_id),
    KEY galleries_of (subject_id),
    FOREIGN KEY (subject_id) REFERENCES subject (subject_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- One row. Taking the next number locks it until the commit, so numbers are in commit order and
-- a follower that has seen n has missed nothing before n.
CREATE TABLE gallery_head (
    one TINYINT NOT NULL PRIMARY KEY CHECK (one = 1),
    seq BIGINT  NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO gallery_head (one, seq) VALUES (1, 0);

-- Whose templates, consents or galleries changed; what they are now, the follower looks up.
CREATE TABLE gallery_change (
    seq        BIGINT     NOT NULL PRIMARY KEY,
    subject_id BINARY(16) NOT NULL,
    at_us      BIGINT     NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Pairs that look like one person. state: 1 open, 2 same, 3 different.
CREATE TABLE duplicate (
    duplicate_id     BINARY(16)   NOT NULL PRIMARY KEY,
    subject_id       BINARY(16)   NOT NULL,
    other_subject_id BINARY(16)   NOT NULL,
    score            DOUBLE       NOT NULL,
    threshold        DOUBLE       NOT NULL,
    found_at_us      BIGINT       NOT NULL,
    state            TINYINT      NOT NULL DEFAULT 1 CHECK (state IN (1, 2, 3)),
    decided_by       VARCHAR(128) NULL,
    decided_at_us    BIGINT       NULL,
    UNIQUE KEY duplicate_pair (subject_id, other_subject_id),
    KEY duplicate_state (state, duplicate_id),
    FOREIGN KEY (subject_id) REFERENCES subject (subject_id),
    FOREIGN KEY (other_subject_id) REFERENCES subject (subject_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
