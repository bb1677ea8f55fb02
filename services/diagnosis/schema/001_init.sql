-- What models were asked and what clinicians made of their answers, counted. Nothing here is about a patient: reports are in records.
CREATE TABLE tally (
    model     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    answered  BIGINT NOT NULL DEFAULT 0,
    abstained BIGINT NOT NULL DEFAULT 0,
    confirmed BIGINT NOT NULL DEFAULT 0,
    amended   BIGINT NOT NULL DEFAULT 0,
    rejected  BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (model, version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
