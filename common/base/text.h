/* text.h - conversions of text to numbers and bytes.
 *
 * Each conversion reads the whole text or fails. Threads: pure functions. Memory: the caller's.
 * Errors: false, with unchanged outputs.
 */
#ifndef WARD_BASE_TEXT_H
#define WARD_BASE_TEXT_H

#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Reads a finite decimal number. The number must fill the string. Returns false for NULL, an
 * empty string, trailing characters, NaN, infinity or overflow. Requires the "C" locale, which
 * ward_app_begin sets. */
WARD_MUST bool ward_f64(const char *s, double *out);

/* Reads a decimal integer that fills the string, with lo <= *out <= hi. */
WARD_MUST bool ward_i64(const char *s, int64_t lo, int64_t hi, int64_t *out);

/* Writes lower-case hex. `out` has 2*n+1 bytes. */
void ward_hex(const void *bytes, size_t n, char *out);
/* Reads exactly n bytes from 2*n hex digits. */
WARD_MUST bool ward_unhex(const char *hex, void *out, size_t n);

/* RFC 4648 base64, padded (as in C2SP checkpoints) or url-safe and unpadded (as in JOSE). `out`
 * has WARD_BASE64_SIZE(n) bytes. Returns the length without the NUL. */
#define WARD_BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)
size_t ward_base64(const void *bytes, size_t n, char *out);
size_t ward_base64url(const void *bytes, size_t n, char *out);
/* Decodes `len` characters into at most `cap` bytes. Rejects white space and non-zero unused
 * bits. */
WARD_MUST bool ward_unbase64(const char *s, size_t len, void *out, size_t cap, size_t *n);
WARD_MUST bool ward_unbase64url(const char *s, size_t len, void *out, size_t cap, size_t *n);

#endif
