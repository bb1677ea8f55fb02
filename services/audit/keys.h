/* keys.h - the keys that audit holds: one that wraps all others (a file), those that sign
 * heads, those that seal content, and one that makes words searchable without storing them.
 *
 * Threads: vault and signers are shared and lock for the time of a copy. Memory: `keep` is the
 * process's; results the caller's. Errors: as db.h; DATA_LOSS where a wrapped key does not
 * open.
 */
#ifndef AUDIT_KEYS_H
#define AUDIT_KEYS_H

#include "common/base/arena.h"
#include "common/db/db.h"
#include "common/merkle/note.h"

#define AUDIT_SEARCH 16 /* bytes of a keyed hash to search by */

/* ---- vault.c: the key-encryption key and what it wraps ---- */

struct audit_vault;
struct audit_content_key {
    uint64_t id;
    uint8_t key[WARD_KEY_SIZE];
};

WARD_MUST enum ward_code vault_open(struct ward_db *db, const char *kek_file,
                                    struct ward_arena *keep, struct audit_vault **out,
                                    struct ward_err *err);
void vault_close(struct audit_vault *v);
WARD_MUST enum ward_code vault_wrap(const struct audit_vault *v, const void *aad,
                                    size_t aad_len, const uint8_t key[WARD_KEY_SIZE],
                                    uint8_t out[WARD_KEY_SIZE + WARD_SEAL_EXTRA],
                                    struct ward_err *err);
WARD_MUST enum ward_code vault_unwrap(const struct audit_vault *v, const void *aad,
                                      size_t aad_len, const struct ward_val *wrapped,
                                      uint8_t out[WARD_KEY_SIZE], struct ward_err *err);
/* The keyed hash of `text` as a `kind` ("patient", "actor", "action"). */
void vault_search(const struct audit_vault *v, const char *kind, const char *text,
                  uint8_t out[AUDIT_SEARCH]);
/* An authentication tag over anything. */
void vault_tag(const struct audit_vault *v, const void *p, size_t n, uint8_t out[AUDIT_SEARCH]);
/* Erasing anything moves the epoch on; keys from an older epoch must not seal any more. */
uint64_t vault_epoch(struct audit_vault *v);
void vault_epoch_is(struct audit_vault *v, uint64_t epoch);
/* The keys of n subjects (keyed hashes), made where there are none. */
WARD_MUST enum ward_code vault_keys(struct audit_vault *v, struct ward_db *db,
                                    struct ward_arena *mem, const uint8_t (*subjects)[16],
                                    size_t n, struct audit_content_key *out,
                                    struct ward_err *err);

/* ---- signer.c: the keys that sign heads ---- */

struct audit_signers;
struct audit_signer_row {
    unsigned number; /* from 1 */
    char vkey[WARD_VKEY_MAX];
    int64_t created_at_us;
    uint64_t first_size;
    const char *handover; /* "" for the first */
    struct ward_signer signer;
};

WARD_MUST enum ward_code signers_open(struct ward_arena *keep, const char *origin,
                                      struct audit_signers **out, struct ward_err *err);
void signers_close(struct audit_signers *s);
/* Reads the keys that are new in the table. */
WARD_MUST enum ward_code signers_load(struct audit_signers *s, struct audit_vault *v,
                                      struct ward_db *db, struct ward_arena *mem,
                                      struct ward_err *err);
/* Row `number`, or NULL. Rows live until signers_close. */
const struct audit_signer_row *signers_row(struct audit_signers *s, unsigned number);
unsigned signers_newest(struct audit_signers *s);
/* A new key of this log, not yet stored; its seed wrapped for the table. */
struct audit_new_key {
    struct ward_signer signer;
    uint8_t wrapped[WARD_ED25519_SEED + WARD_SEAL_EXTRA];
};
WARD_MUST enum ward_code signers_make(struct audit_signers *s, struct audit_vault *v,
                                      struct audit_new_key *out, struct ward_err *err);
WARD_MUST enum ward_code signers_store(struct ward_db *db, struct ward_arena *mem,
                                       const struct audit_new_key *key, unsigned number,
                                       uint64_t first_size, const char *handover, size_t len,
                                       struct ward_err *err);

#endif
