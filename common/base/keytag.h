/* keytag.h - the name of a key. The name does not depend on the place of the key and does not
 * reveal the key.
 *
 * The name is the tag of AES-256-GCM over a fixed text with a fixed nonce. GCM is unsafe if one
 * key encrypts two messages with the same nonce. Here the text is constant, and all other
 * nonces are random, so another encryption uses this nonce with a probability of 2^-96. An HSM
 * can compute the tag, so a key keeps its name when it moves into an HSM. The name does not
 * authenticate a key, because GCM does not commit to its key.
 *
 * Threads: pure functions. Memory: the caller's. Errors: none.
 */
#ifndef WARD_BASE_KEYTAG_H
#define WARD_BASE_KEYTAG_H

#include "common/base/crypto.h"

#define WARD_KEYTAG_NONCE_SIZE 12
#define WARD_KEYTAG_SIZE       16 /* bytes of the text, and of the tag */

/* reserved for the names of keys */
extern const uint8_t ward_keytag_nonce[WARD_KEYTAG_NONCE_SIZE];
extern const uint8_t ward_keytag_text[WARD_KEYTAG_SIZE];

void ward_keytag(const uint8_t key[WARD_KEY_SIZE], uint8_t out[WARD_KEYTAG_SIZE]);

#endif
