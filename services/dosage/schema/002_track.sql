-- What tracking and downtime look up, and how far workarounds were looked for.
CREATE INDEX supply_of_order ON supply (order_id);
CREATE INDEX offline_entry_of ON offline_entry (administration_id);

-- looked_to_us: everything recorded before it was looked at.
CREATE TABLE watch_position (
    one          TINYINT NOT NULL PRIMARY KEY CHECK (one = 1),
    looked_to_us BIGINT  NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- rule_id: of a habit of overriding, else ''. out_of: `counted` of so many; 0 where nothing is a part of anything.
ALTER TABLE workaround ADD COLUMN rule_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL DEFAULT '';
ALTER TABLE workaround ADD COLUMN out_of INT NOT NULL DEFAULT 0;
