/* text.h - what gRPC writes into headers: base64 of "-bin", percent-encoded messages, timeouts.
 * Inside common/rpc/h2.
 *
 * Threads: pure. Memory: the caller's. Errors: see each.
 */
#ifndef WARD_RPC_H2_TEXT_H
#define WARD_RPC_H2_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_BIN_ROOM(n) (4 * ((n) + 2) / 3 + 5)

/* Unpadded; out has TEXT_BIN_ROOM(n). The length. */
size_t text_bin(const uint8_t *in, size_t n, char *out);
/* Of a "-bin" value: base64, padded or not, or several of them with commas between. */
bool text_is_bin(const uint8_t *in, size_t n);
/* out has 3 * strlen(in) + 1. The length. */
size_t text_percent(const char *in, char *out);
/* grpc-timeout in nanoseconds, at most a hundred years; -1: malformed. */
int64_t text_timeout(const uint8_t *s, size_t n);

#endif
