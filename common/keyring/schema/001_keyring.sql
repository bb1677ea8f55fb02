-- Key-encryption keys, sealed under the root key (WARD_KEK) named by root_id. The newest one wraps
-- new keys. A destroyed one loses its row.
CREATE TABLE kek (
    kek           INT           NOT NULL AUTO_INCREMENT PRIMARY KEY,
    root_id       CHAR(16)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    sealed        VARBINARY(60) NOT NULL,
    created_at_us BIGINT        NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Other secrets of the service, sealed under a kek: the keyed hash ("hash") and what else it keeps.
CREATE TABLE secret (
    use_name      VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind          INT           NOT NULL,
    generation    INT           NOT NULL,
    kek           INT           NOT NULL,
    sealed        VARBINARY(60) NOT NULL,
    created_at_us BIGINT        NOT NULL,
    PRIMARY KEY (use_name, kind, generation),
    KEY secret_kek (kek)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
