-- What the interpreted kinds of `directory` are found by: Practitioner (kind 15), Organization (16), Location (17). As in `token`, a row is
-- a keyed hash or a hash; store/param.h has the numbers. What an import brought before as a kind that is not interpreted has none, and
-- gets them with the next version from its source.
CREATE TABLE directory_token (
    param       TINYINT    NOT NULL,
    hash        BINARY(16) NOT NULL,
    resource_id BINARY(16) NOT NULL,
    PRIMARY KEY (param, hash, resource_id),
    KEY directory_token_of (resource_id, param)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
