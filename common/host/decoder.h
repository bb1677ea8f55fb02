/* decoder.h - loads and checks decoders of foreign file formats (ward/decoder.h).
 *
 * A decoder reads files from strangers, so open and call decoders in a worker process
 * (common/worker). Threads: any thread. Memory: a decoder stays loaded; pixels are the
 * caller's, from `alloc`. Errors: as host.h for a library that is missing or unfit; INTERNAL
 * for an answer that breaks the contract.
 */
#ifndef WARD_HOST_DECODER_H
#define WARD_HOST_DECODER_H

#include "common/base/status.h"

#include <ward/decoder.h>

/* Returns the fault of an unfit table, or NULL. Pure, for tests. */
const char *ward_decoder_unfit(const struct ward_decoder *d);

/* Loads dir/name.so.
 *   INVALID_ARGUMENT     the name is invalid
 *   NOT_FOUND            the library, or a library that it needs, is missing
 *   FAILED_PRECONDITION  the library is outside the folder or writable by every user, or its
 *                        table is unfit */
WARD_MUST enum ward_code ward_decoder_open(const char *dir, const char *name,
                                           const struct ward_decoder **out,
                                           struct ward_err *err);

/* Returns whether an answer keeps the contract: sizes within the limits, NUL-terminated texts
 * of permitted characters, and finite numbers. Pure. */
bool ward_picture_fit(const struct ward_picture *p, const struct ward_decoder_limits *limits);
/* Returns the number of bytes of the answer's pixels. */
uint64_t ward_picture_bytes(const struct ward_picture *p);

#endif
