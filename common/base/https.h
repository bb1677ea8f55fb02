/* https.h - one GET over HTTPS, for a JWKS.
 *
 * The server's certificate must be for the URL's host and from the given authority, or from the
 * system's. Plain HTTP is refused except to this machine. HTTPS_PROXY and NO_PROXY are not
 * used: the keys of every person come this way.
 *
 * Threads: any. Memory: *out is malloc'd, a NUL after its n bytes. Errors: INVALID_ARGUMENT the
 * URL; FAILED_PRECONDITION the authority's file; UNAVAILABLE no connection, another
 * certificate, a status other than 200, more than `most` bytes, or nothing within timeout_s.
 */
#ifndef WARD_BASE_HTTPS_H
#define WARD_BASE_HTTPS_H

#include "common/base/status.h"

#include <stddef.h>

WARD_MUST enum ward_code ward_https_get(const char *url, const char *ca, size_t most,
                                        int timeout_s, char **out, size_t *n,
                                        struct ward_err *err);

#endif
