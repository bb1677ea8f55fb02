-- min_program: 2
-- Galera: one row for each node that takes writes, counted up while it does. Two rows that both count up are two writers. On any other
-- server the table stays empty.
CREATE TABLE ward_writer (
    node  VARCHAR(255)    NOT NULL PRIMARY KEY,
    beats BIGINT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
