/* keys.h - audit's keys: the key-encryption key (a file), which wraps all others; keys that
 * sign heads; keys that encrypt content; and one key for searchable hashes.
 *
 * Threads: vault and signers are shared; they hold a lock only while they copy. Memory: `keep`
 * belongs to the process, results belong to the caller. Errors: those of db.h; DATA_LOSS if a
 * wrapped key cannot be decrypted. */
#ifndef AUDIT_KEYS_H
#define AUDIT_KEYS_H

#include "common/base/arena.h"
#include "common/db/db.h"
#include "common/merkle/note.h"

#define AUDIT_SEARCH 16 /* length of a searchable keyed hash in bytes */

/* ---- vault.c: the key-encryption key and the keys that it wraps ---- */

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
/* Computes the keyed hash of `text` for the column `kind`: "patient", "actor" or "action". */
void vault_search(const struct audit_vault *v, const char *kind, const char *text,
                  uint8_t out[AUDIT_SEARCH]);
/* Computes an authentication tag over arbitrary bytes. */
void vault_tag(const struct audit_vault *v, const void *p, size_t n, uint8_t out[AUDIT_SEARCH]);
/* The epoch, which every erasure advances. A key that was read in an older epoch must not
 * encrypt any more. */
uint64_t vault_epoch(struct audit_vault *v);
void vault_epoch_is(struct audit_vault *v, uint64_t epoch);
/* Reads the content keys of n subjects (keyed hashes), and creates missing keys. */
WARD_MUST enum ward_code vault_keys(struct audit_vault *v, struct ward_db *db,
                                    struct ward_arena *mem, const uint8_t (*subjects)[16],
                                    size_t n, struct audit_content_key *out,
                                    struct ward_err *err);

/* ---- signer.c: the keys that sign heads ---- */

struct audit_signers;
struct audit_signer_row {
    unsigned number; /* number of the key, from 1 */
    char vkey[WARD_VKEY_MAX];
    int64_t created_at_us;
    uint64_t first_size;
    /* note in which the previous key names this key; "" for the first key */
    const char *handover;
    struct ward_signer signer;
};

WARD_MUST enum ward_code signers_open(struct ward_arena *keep, const char *origin,
                                      struct audit_signers **out, struct ward_err *err);
void signers_close(struct audit_signers *s);
/* Reads signing keys that were added to the table. */
WARD_MUST enum ward_code signers_load(struct audit_signers *s, struct audit_vault *v,
                                      struct ward_db *db, struct ward_arena *mem,
                                      struct ward_err *err);
/* Returns row `number`, or NULL. Rows live until signers_close. */
const struct audit_signer_row *signers_row(struct audit_signers *s, unsigned number);
unsigned signers_newest(struct audit_signers *s);
/* A new signing key that is not stored yet, with its seed wrapped for the table. */
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
