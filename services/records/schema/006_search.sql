-- Where a resource stood, by date, before an update moved it: so that the pages of a search that began before neither show it twice
-- nor leave it out. until_us: when it moved. Rows are of use for as long as a page token is, and then go. An erasure, which leaves
-- written_at_us as it is, takes them along.
CREATE TABLE moved (
    resource_id BINARY(16) NOT NULL,
    until_us    BIGINT     NOT NULL,
    kind        TINYINT    NOT NULL,
    from_us     BIGINT     NOT NULL,
    PRIMARY KEY (resource_id, until_us),
    KEY moved_since (kind, until_us)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
-- What lasts longer than 400 days (SEARCH_LONG_US), open ends too: so few that a search for what goes on after a date looks at these and
-- at what began within 400 days before it, and not at everything that ever was.
CREATE TABLE lasting (
    kind        TINYINT    NOT NULL,
    to_us       BIGINT     NOT NULL,
    resource_id BINARY(16) NOT NULL,
    PRIMARY KEY (kind, to_us, resource_id),
    KEY lasting_of (resource_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TRIGGER resource_made AFTER INSERT ON resource FOR EACH ROW BEGIN IF NEW.to_us > -9223337476854775808 AND NEW.from_us < NEW.to_us - 34560000000000 THEN INSERT INTO lasting (kind, to_us, resource_id) VALUES (NEW.kind, NEW.to_us, NEW.resource_id); END IF; END;
CREATE TRIGGER resource_moved AFTER UPDATE ON resource FOR EACH ROW BEGIN IF NEW.from_us <> OLD.from_us AND NEW.written_at_us <> OLD.written_at_us THEN INSERT IGNORE INTO moved (resource_id, until_us, kind, from_us) VALUES (OLD.resource_id, NEW.written_at_us, OLD.kind, OLD.from_us); ELSEIF NEW.from_us <> OLD.from_us THEN DELETE FROM moved WHERE resource_id = OLD.resource_id; END IF; IF NEW.from_us <> OLD.from_us OR NEW.to_us <> OLD.to_us THEN DELETE FROM lasting WHERE resource_id = OLD.resource_id; IF NEW.to_us > -9223337476854775808 AND NEW.from_us < NEW.to_us - 34560000000000 THEN INSERT INTO lasting (kind, to_us, resource_id) VALUES (NEW.kind, NEW.to_us, NEW.resource_id); END IF; END IF; END;
