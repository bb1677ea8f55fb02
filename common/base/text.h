/* text.h - text to numbers and bytes, all or nothing.
 *
 * Threads: pure functions. Memory: the caller's. Errors: false, and outputs untouched.
 */
#ifndef WARD_BASE_TEXT_H
#define WARD_BASE_TEXT_H

#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Reads a finite decimal number that fills the whole string. False for NULL, empty, trailing
 * characters, NaN, infinity or overflow. Assumes the "C" locale, which ward_app_begin sets. */
WARD_MUST bool ward_f64(const char *s, double *out);

/* A decimal integer that fills the whole string, lo <= *out <= hi. */
WARD_MUST bool ward_i64(const char *s, int64_t lo, int64_t hi, int64_t *out);

/* Lower-case hex. `out` holds 2*n+1 bytes. */
void ward_hex(const void *bytes, size_t n, char *out);
/* Exactly n bytes from 2*n hex digits and no more. */
WARD_MUST bool ward_unhex(const char *hex, void *out, size_t n);

/* RFC 4648 base64, padded (as in C2SP checkpoints) or url-safe unpadded (as in JOSE).
 * `out` holds WARD_BASE64_SIZE(n) bytes; returns the length without the NUL. */
#define WARD_BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)
size_t ward_base64(const void *bytes, size_t n, char *out);
size_t ward_base64url(const void *bytes, size_t n, char *out);
/* Decodes `len` characters into at most `cap` bytes. Strict: no white space, no stray bits. */
WARD_MUST bool ward_unbase64(const char *s, size_t len, void *out, size_t cap, size_t *n);
WARD_MUST bool ward_unbase64url(const char *s, size_t len, void *out, size_t cap, size_t *n);

#endif
