'use strict';
// Texts that a service gives and takes back unread: page tokens, resume tokens, ids of events.

// A token's bytes after `change` was made to them.
const changed = (token, change) => {
  const bytes = Buffer.from(token, 'base64url');
  return (change(bytes) || bytes).toString('base64url');
};
// One bit of its byte `at` is another.
const bent = (token, at = 0) => changed(token, (bytes) => { bytes[at] ^= 1 << (at % 8); });

// The 16 bytes of a UUID, as hashed in a leaf and as MariaDB has them.
const idBytes = (id) => Buffer.from(id.replaceAll('-', ''), 'hex');
const idHex = (id) => id.replaceAll('-', '');

module.exports = { changed, bent, idBytes, idHex };
