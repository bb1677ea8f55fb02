/* https.h - one GET request over HTTPS, for a JWKS.
 *
 * The server's certificate must be valid for the URL's host and issued by the given authority,
 * or by an authority of the system. Plain HTTP is permitted only to a server on this machine.
 * HTTPS_PROXY and NO_PROXY are ignored, because this request fetches the keys that verify every
 * person.
 *
 * Threads: any. Memory: *out is malloc'd, with a NUL after its n bytes. Errors:
 * INVALID_ARGUMENT for the URL; FAILED_PRECONDITION for the authority's file; UNAVAILABLE for
 * no connection, a wrong certificate, a status other than 200, more than `most` bytes, or no
 * answer within timeout_s.
 */
#ifndef WARD_BASE_HTTPS_H
#define WARD_BASE_HTTPS_H

#include "common/base/status.h"

#include <stddef.h>

WARD_MUST enum ward_code ward_https_get(const char *url, const char *ca, size_t most,
                                        int timeout_s, char **out, size_t *n,
                                        struct ward_err *err);

#endif
