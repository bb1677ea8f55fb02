-- The answer to a write, kept with the write. k is SHA-256 over caller, method and key; answer
-- is NULL only inside the transaction that is making it.
CREATE TABLE ward_idempotency (
    k          BINARY(32)   NOT NULL PRIMARY KEY,
    request    BINARY(32)   NOT NULL,
    created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    answer     MEDIUMBLOB   NULL,
    KEY ward_idempotency_age (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
