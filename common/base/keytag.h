/* keytag.h - a name for a key, the same wherever the key lies, that does not give the key away.
 *
 * The tag of AES-256-GCM over a fixed text under a fixed nonce. GCM is unsafe when two messages
 * share a nonce under one key; here they do not: the text is always this one, and every other
 * nonce is drawn at random, so each sealing meets this one with a probability of 2^-96. What an
 * HSM can do (encrypt) suffices to compute it, so a key keeps its name when it moves into one.
 * It names; it does not authenticate: GCM does not commit to its key.
 *
 * Threads: pure. Memory: the caller's. Errors: none.
 */
#ifndef WARD_BASE_KEYTAG_H
#define WARD_BASE_KEYTAG_H

#include "common/base/crypto.h"

#define WARD_KEYTAG_NONCE_SIZE 12
#define WARD_KEYTAG_SIZE       16 /* of the text, and of the tag */

extern const uint8_t ward_keytag_nonce[WARD_KEYTAG_NONCE_SIZE]; /* reserved: for this alone */
extern const uint8_t ward_keytag_text[WARD_KEYTAG_SIZE];

void ward_keytag(const uint8_t key[WARD_KEY_SIZE], uint8_t out[WARD_KEYTAG_SIZE]);

#endif
