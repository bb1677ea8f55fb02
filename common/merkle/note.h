/* note.h - signed heads: C2SP signed-note and tlog-checkpoint, Ed25519 only.
 *
 * A note is text, an empty line, and lines "— name base64(key id, signature)". A checkpoint's
 * text is origin, size, root, and extension lines; Ward's one extension, "next-key <vkey>",
 * hands signing over to the next key. The parsers are strict and are fuzzed.
 *
 * Threads: pure functions. Memory: the caller's; a parsed note points into the text it was
 * parsed from. Errors: INVALID_ARGUMENT says what is not as it should be; FAILED_PRECONDITION
 * that a signature is missing or does not hold.
 */
#ifndef WARD_MERKLE_NOTE_H
#define WARD_MERKLE_NOTE_H

#include "common/merkle/merkle.h"

#define WARD_NOTE_MAX  8192 /* bytes of a whole note */
#define WARD_NOTE_SIGS 8
#define WARD_NAME_MAX  96  /* bytes of a key's name, which is the log's origin too */
#define WARD_VKEY_MAX  160 /* bytes of a printed verifier key, NUL included */

/* The public half of a signing key: "name+8 hex digits+base64(0x01, key)". */
struct ward_vkey {
    char name[WARD_NAME_MAX + 1];
    uint8_t id[4]; /* the first of SHA-256(name, newline, 0x01, key) */
    uint8_t pub[WARD_ED25519_PUB];
};

/*   INVALID_ARGUMENT  a name that is empty, too long, or has a space, a plus or a control */
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
    bool usable; /* it has an Ed25519 signature's length */
};
struct ward_note {
    const char *text; /* what is signed, its last newline included */
    size_t len;
    int n;
    struct ward_note_sig sigs[WARD_NOTE_SIGS];
};

WARD_MUST enum ward_code ward_note_parse(const char *in, size_t len, struct ward_note *out,
                                         struct ward_err *err);
/*   FAILED_PRECONDITION  not signed by this key, or the signature does not hold */
WARD_MUST enum ward_code ward_note_check(const struct ward_note *note,
                                         const struct ward_vkey *key, struct ward_err *err);

struct ward_checkpoint {
    char origin[WARD_NAME_MAX + 1];
    uint64_t size;
    struct ward_hash root;
    bool hands_over; /* `next` is set */
    struct ward_vkey next;
};

/* Reads a note's text. Extension lines it does not know are passed over. */
WARD_MUST enum ward_code ward_checkpoint_parse(const struct ward_note *note,
                                               struct ward_checkpoint *out,
                                               struct ward_err *err);

struct ward_signer {
    struct ward_vkey vkey;
    const struct ward_sign_key *key;
};
/* Prints and signs, with each signer in turn. *len is without the NUL that follows.
 *   INVALID_ARGUMENT  it does not fit in WARD_NOTE_MAX;  INTERNAL  cannot sign */
WARD_MUST enum ward_code ward_checkpoint_sign(const struct ward_checkpoint *cp,
                                              const struct ward_signer *signers, int n,
                                              char out[WARD_NOTE_MAX], size_t *len,
                                              struct ward_err *err);
/* The same for any text that ends in a newline. */
WARD_MUST enum ward_code ward_note_sign(const char *text, size_t text_len,
                                        const struct ward_signer *signers, int n,
                                        char out[WARD_NOTE_MAX], size_t *len,
                                        struct ward_err *err);

#endif
