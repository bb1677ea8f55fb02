/* attachment.h - what PutAttachment and GetAttachment share: parts of 1 MiB, each sealed by
 * itself and bound to its patient, its attachment and its place.
 *
 * Threads: a worker's own. Memory: the caller's. Errors: chart.h's.
 */
#ifndef RECORDS_STORE_ATTACHMENT_H
#define RECORDS_STORE_ATTACHMENT_H

#include "services/records/store/rpc.h"

#define PART_SIZE      ((size_t)1 << 20)
#define ATTACHMENT_MAX ((size_t)32 << 20)
#define TYPE_MAX       128

/* Of part 0, 1, ...; -1: of the content type. out takes n + WARD_SEAL_EXTRA. */
WARD_MUST enum ward_code part_seal(const uint8_t key[WARD_KEY_SIZE],
                                   const uint8_t patient[RECORDS_ID],
                                   const uint8_t sha256[WARD_SHA256_SIZE], int part,
                                   const void *data, size_t n, uint8_t *out,
                                   struct ward_err *err);
/* out takes sealed.n - WARD_SEAL_EXTRA.   DATA_LOSS  RECORD_UNREADABLE */
WARD_MUST enum ward_code part_open(const uint8_t key[WARD_KEY_SIZE],
                                   const uint8_t patient[RECORDS_ID],
                                   const uint8_t sha256[WARD_SHA256_SIZE], int part,
                                   struct ward_val sealed, uint8_t *out, struct ward_err *err);

#endif
