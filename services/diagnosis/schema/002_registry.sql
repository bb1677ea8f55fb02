-- Which version of each model answers, which are loaded beside it, and what shadows made of the same inputs. Nothing here is about a patient.
-- min_program: 1
CREATE TABLE registry (
    one      TINYINT NOT NULL PRIMARY KEY,
    revision BIGINT  NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO registry (one, revision) VALUES (1, 1);
CREATE TABLE model (
    name     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    active   VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    previous VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE model_version (
    name    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    shadow  TINYINT NOT NULL DEFAULT 0,
    PRIMARY KEY (name, version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
ALTER TABLE tally MODIFY version VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL;
CREATE TABLE shadow (
    model           VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    active          VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    compared        BIGINT NOT NULL DEFAULT 0,
    agreed          BIGINT NOT NULL DEFAULT 0,
    abstained_apart BIGINT NOT NULL DEFAULT 0,
    failed          BIGINT NOT NULL DEFAULT 0,
    both_answered   BIGINT NOT NULL DEFAULT 0,
    difference_sum  DOUBLE NOT NULL DEFAULT 0,
    difference_max  DOUBLE NOT NULL DEFAULT 0,
    PRIMARY KEY (model, version, active)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
