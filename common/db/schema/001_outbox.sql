-- What must be told to audit, written in the transaction that did it. Read from the front and
-- deleted once audit has it: see outbox.h.
CREATE TABLE ward_outbox (
    id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    event_id   BINARY(16)      NOT NULL,
    created_at TIMESTAMP(6)    NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    event      MEDIUMBLOB      NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Events that audit refused for good, one by one, out of the way of the others. Nothing deletes
-- them: a person looks, mends, and moves them back.
CREATE TABLE ward_outbox_held (
    id         BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    event_id   BINARY(16)      NOT NULL,
    created_at TIMESTAMP(6)    NOT NULL,
    held_at    TIMESTAMP(6)    NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    code       VARCHAR(32)     NOT NULL,
    event      MEDIUMBLOB      NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
