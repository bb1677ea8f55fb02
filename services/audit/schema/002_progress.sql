-- min_program: 1
-- How far each service's outbox had come when it last said so. A service whose database says less
-- was restored, or begun anew.
CREATE TABLE progress (
    service VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    outbox_row BIGINT UNSIGNED NOT NULL,
    at_us BIGINT NOT NULL
) ENGINE = InnoDB;
