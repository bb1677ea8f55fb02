/* audit_file.h - the files of the audit log: an export, a receipt, a head with its proof. All
 * are JSON. An export has one object in each line, so its length is unlimited.
 *
 *   export   {"ward_export":1,"size":N,"checkpoint":NOTE,"keys":[{"vkey","handover"}...]}
 *            {"index":0,"leaf":B64,"salt":B64|null,"event":B64|null,"erased":BOOL} ...
 *   receipt {"ward_receipt":1,"index":N,"leaf":B64,"salt":B64|null,"event":B64|null,
 *   "erased":BOOL,"proof":[B64...],"checkpoint":NOTE,"handovers":[NOTE...]} or the message
 *   ward.audit.v1.Receipt, serialized
 *   head {"ward_head":1,"checkpoint":NOTE,"old_size":N,"proof":[B64...],"handovers":[NOTE...]}
 *            or the checkpoint alone, as text
 *
 * The parsers are strict and tested by fuzzing, because the files are not trusted.
 *
 * Threads: one. Memory: the caller's arena. Errors: INVALID_ARGUMENT with the name of the
 * unreadable part. */
#ifndef WARD_CLI_AUDIT_FILE_H
#define WARD_CLI_AUDIT_FILE_H

#include "common/base/arena.h"
#include "common/merkle/keys.h"
#include "common/merkle/leaf.h"

#include <stdio.h>

#define FILE_LINE_MAX ((size_t)1 << 20) /* maximum size of a line or a receipt, in bytes */

struct file_bytes {
    const uint8_t *p; /* NULL: the field is absent */
    size_t n;
};

struct file_entry {
    uint64_t index;
    struct file_bytes leaf, salt, event;
    bool erased;
};

struct file_notes {
    const char **at;
    size_t n;
};

struct file_header {
    uint64_t size;
    const char *checkpoint;
    struct file_notes handovers; /* a handover note for every key after the first */
};

struct file_receipt {
    struct file_entry entry;
    struct ward_hash proof[WARD_PROOF_MAX];
    size_t n_proof;
    const char *checkpoint;
    struct file_notes handovers;
};

struct file_head {
    const char *checkpoint;
    uint64_t old_size; /* 0: the file has no proof */
    struct ward_hash proof[WARD_PROOF_MAX];
    size_t n_proof;
    struct file_notes handovers;
};

WARD_MUST enum ward_code file_header_parse(const char *text, struct ward_arena *mem,
                                           struct file_header *out, struct ward_err *err);
WARD_MUST enum ward_code file_entry_parse(const char *text, struct ward_arena *mem,
                                          struct file_entry *out, struct ward_err *err);
WARD_MUST enum ward_code file_receipt_parse(const char *text, struct ward_arena *mem,
                                            struct file_receipt *out, struct ward_err *err);
/* Reads a serialized message ward.audit.v1.Receipt, as GetReceipt returns it. */
WARD_MUST enum ward_code file_receipt_message(const void *bytes, size_t n,
                                              struct ward_arena *mem, struct file_receipt *out,
                                              struct ward_err *err);
WARD_MUST enum ward_code file_head_parse(const char *text, struct ward_arena *mem,
                                         struct file_head *out, struct ward_err *err);

/* Reads a verifier key: from its text, from a file with its text, or from a PEM file with an
 * Ed25519 public key. A PEM file contains no name: the key gets the name `origin`. */
WARD_MUST enum ward_code file_key(const char *text_or_path, const char *origin,
                                  struct ward_arena *mem, struct ward_vkey *out,
                                  struct ward_err *err);

void file_entry_print(FILE *to, const struct file_entry *e);

#endif
