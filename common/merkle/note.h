/* note.h - signed heads: C2SP signed-note and tlog-checkpoint, Ed25519 only.
 *
 * A note is a text, an empty line, and lines "— name base64(key id, signature)". A checkpoint's
 * text is origin, size, root, and extension lines. Ward's one extension, "next-key <vkey>",
 * rotates the signing key. The parsers are strict and fuzzed.
 *
 * Threads: pure functions. Memory: the caller's; a parsed note points into its text. Errors:
 * INVALID_ARGUMENT for malformed text; FAILED_PRECONDITION for a missing or invalid signature.
 */
#ifndef WARD_MERKLE_NOTE_H
#define WARD_MERKLE_NOTE_H

#include "common/merkle/merkle.h"

#define WARD_NOTE_MAX  8192 /* maximum length of a note */
#define WARD_NOTE_SIGS 8
#define WARD_NAME_MAX  96  /* maximum length of a key's name, which is also the log's origin */
#define WARD_VKEY_MAX  160 /* size of a printed verifier key, including the NUL */

/* The public half of a signing key: "name+8 hex digits+base64(0x01, key)". */
struct ward_vkey {
    char name[WARD_NAME_MAX + 1];
    uint8_t id[4]; /* the first of SHA-256(name, newline, 0x01, key) */
    uint8_t pub[WARD_ED25519_PUB];
};

/*   INVALID_ARGUMENT  a name that is empty or too long, or contains a space, a plus or a
 *                     control character */
WARD_MUST enum ward_code ward_vkey_make(const char *name, const uint8_t pub[WARD_ED25519_PUB],
                                        struct ward_vkey *out, struct ward_err *err);
WARD_MUST enum ward_code ward_vkey_parse(const char *text, size_t len, struct ward_vkey *out,
                                         struct ward_err *err);
void ward_vkey_print(const struct ward_vkey *key, char out[WARD_VKEY_MAX]);
WARD_MUST bool ward_vkey_equal(const struct ward_vkey *a, const struct ward_vkey *b);

struct ward_note_sig {
    char name[WARD_NAME_MAX + 1];
    uint8_t id[4];
    uint8_t sig[WARD_ED25519_SIG];
    bool usable; /* the signature has the length of an Ed25519 signature */
};
struct ward_note {
    const char *text; /* the signed text, including its last newline */
    size_t len;
    int n;
    struct ward_note_sig sigs[WARD_NOTE_SIGS];
};

WARD_MUST enum ward_code ward_note_parse(const char *in, size_t len, struct ward_note *out,
                                         struct ward_err *err);
/*   FAILED_PRECONDITION  not signed by this key, or the signature is invalid */
WARD_MUST enum ward_code ward_note_check(const struct ward_note *note,
                                         const struct ward_vkey *key, struct ward_err *err);

struct ward_checkpoint {
    char origin[WARD_NAME_MAX + 1];
    uint64_t size;
    struct ward_hash root;
    bool hands_over; /* `next` is valid */
    struct ward_vkey next;
};

/* Reads a note's text. Unknown extension lines are skipped. */
WARD_MUST enum ward_code ward_checkpoint_parse(const struct ward_note *note,
                                               struct ward_checkpoint *out,
                                               struct ward_err *err);

struct ward_signer {
    struct ward_vkey vkey;
    const struct ward_sign_key *key;
};
/* Prints a checkpoint and signs it with each signer in turn. *len excludes the NUL.
 *   INVALID_ARGUMENT  longer than WARD_NOTE_MAX; INTERNAL cannot sign */
WARD_MUST enum ward_code ward_checkpoint_sign(const struct ward_checkpoint *cp,
                                              const struct ward_signer *signers, int n,
                                              char out[WARD_NOTE_MAX], size_t *len,
                                              struct ward_err *err);
/* Signs any text that ends in a newline. */
WARD_MUST enum ward_code ward_note_sign(const char *text, size_t text_len,
                                        const struct ward_signer *signers, int n,
                                        char out[WARD_NOTE_MAX], size_t *len,
                                        struct ward_err *err);

#endif
