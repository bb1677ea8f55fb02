/* text.h - encodings in gRPC's headers: base64 for "-bin", percent-encoded messages, timeouts.
 * Inside common/rpc/h2.
 *
 * Threads: pure. Memory: the caller's. Errors: see each function.
 */
#ifndef WARD_RPC_H2_TEXT_H
#define WARD_RPC_H2_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_BIN_ROOM(n) (4 * ((n) + 2) / 3 + 5)

/* Encodes base64 without padding. out has TEXT_BIN_ROOM(n) bytes. Returns the length. */
size_t text_bin(const uint8_t *in, size_t n, char *out);
/* Checks a "-bin" value: base64, padded or not, or several values separated by commas. */
bool text_is_bin(const uint8_t *in, size_t n);
/* Percent-encodes a message. out has 3 * strlen(in) + 1 bytes. Returns the length. */
size_t text_percent(const char *in, char *out);
/* Reads a grpc-timeout. Returns nanoseconds, at most a hundred years; -1: malformed. */
int64_t text_timeout(const uint8_t *s, size_t n);

#endif
