/* attachment.h - encrypts and finds attachments.
 *
 * An attachment is stored in parts of 1 MiB. Each part is encrypted separately and bound to its
 * patient, its attachment, the total size and its position. Parts therefore cannot be
 * exchanged, and changed rows cannot be decrypted.
 *
 * Threads: call from a worker's thread. Memory: the caller's. Errors: those of chart.h.
 */
#ifndef RECORDS_STORE_ATTACHMENT_H
#define RECORDS_STORE_ATTACHMENT_H

#include "services/records/store/rpc.h"

#define PART_SIZE      ((size_t)1 << 20)
#define ATTACHMENT_MAX ((size_t)32 << 20)
#define TYPE_MAX       128

struct attachment {
    uint8_t patient[RECORDS_ID], sha256[WARD_SHA256_SIZE];
    int64_t size;
};
/* Encrypts part 0, 1, ...; part -1 is the content type. out has room for n + WARD_SEAL_EXTRA
 * bytes. */
WARD_MUST enum ward_code part_seal(const uint8_t key[WARD_KEY_SIZE],
                                   const struct attachment *of, int part, const void *data,
                                   size_t n, uint8_t *out, struct ward_err *err);
/* Decrypts a part. out has room for sealed.n - WARD_SEAL_EXTRA bytes.
 *   DATA_LOSS  RECORD_UNREADABLE */
WARD_MUST enum ward_code part_open(const uint8_t key[WARD_KEY_SIZE],
                                   const struct attachment *of, int part,
                                   struct ward_val sealed, uint8_t *out, struct ward_err *err);

/* The search token of resources that name the attachment. */
WARD_MUST enum ward_code attachment_hash(struct worker *w,
                                         const uint8_t sha256[WARD_SHA256_SIZE],
                                         uint8_t named[TOKEN_HASH], struct ward_err *err);
/* Whether a resource that the view may read, in the patient's chart, names the attachment. */
WARD_MUST enum ward_code attachment_seen(struct worker *w, struct ward_arena *mem,
                                         const struct view *view,
                                         const uint8_t patient[RECORDS_ID],
                                         const uint8_t named[TOKEN_HASH], bool *is,
                                         struct ward_err *err);

#endif
