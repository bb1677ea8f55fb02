-- Comparisons of faces that found no match, by who made them: sixteen zero bytes for a search, which is
-- of nobody. Kept for a day.
CREATE TABLE face_miss (
    subject_id BINARY(16)   NOT NULL,
    actor      VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    at_us      BIGINT       NOT NULL,
    KEY face_misses_of (subject_id, actor, at_us),
    KEY face_miss_at (at_us)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
