/* release.h - the signature of a model: manifest.sig, a signed list of a version's files.
 *
 * The list is a C2SP signed note (common/merkle/note.h) whose text is a line
 * "ward.model/v1 chest/1" and a line "manifest.json <SHA-256 in hex>" for each file of the
 * folder. One key may sign many models. Each text names its model, so that a signature is valid
 * for one version only.
 *
 * Threads: pure functions, except ward_release_keys_read. Memory: the caller's. Errors:
 * FAILED_PRECONDITION MODEL_SIGNATURE: the signature is missing, malformed, of another model or
 * file, or by an untrusted key; INVALID_ARGUMENT: a malformed file of keys, with the line.
 */
#ifndef WARD_SERVE_RELEASE_H
#define WARD_SERVE_RELEASE_H

#include "common/merkle/note.h"

#define WARD_RELEASE_FILE  "manifest.sig"
#define WARD_RELEASE_KEYS  16
#define WARD_RELEASE_FILES 32

struct ward_release_keys {
    int n;
    struct ward_vkey at[WARD_RELEASE_KEYS];
};
/* Reads one verifier key from each line. Empty lines and lines that begin with # are
 * skipped. */
WARD_MUST enum ward_code ward_release_keys_parse(const char *text, size_t n,
                                                 struct ward_release_keys *out,
                                                 struct ward_err *err);
/*   NOT_FOUND  the file does not exist */
WARD_MUST enum ward_code ward_release_keys_read(const char *path, struct ward_release_keys *out,
                                                struct ward_err *err);

struct ward_release {
    char model[130];                /* "chest/1" */
    char signer[WARD_NAME_MAX + 1]; /* the key's name */
    int n;
    struct {
        char name[96];
        char sha256[65];
    } file[WARD_RELEASE_FILES];
};

/* Checks that one of the keys signed the note, and reads it.
 *   FAILED_PRECONDITION  MODEL_SIGNATURE */
WARD_MUST enum ward_code ward_release_open(const char *note, size_t len,
                                           const struct ward_release_keys *keys,
                                           struct ward_release *out, struct ward_err *err);
/* Checks that r is for this model and lists this file with this hash.
 *   FAILED_PRECONDITION  MODEL_SIGNATURE */
WARD_MUST enum ward_code ward_release_lists(const struct ward_release *r, const char *model,
                                            const char *file, const char *sha256,
                                            struct ward_err *err);
/* Signs r's model and files. *len excludes the NUL.
 *   INVALID_ARGUMENT  too many files for a note */
WARD_MUST enum ward_code ward_release_sign(const struct ward_release *r,
                                           const struct ward_signer *signer,
                                           char out[WARD_NOTE_MAX], size_t *len,
                                           struct ward_err *err);

#endif
