/* rotate.h - a keyed orthogonal transform of vectors: turned, nothing lost, nothing comparable.
 *
 * Rounds of: permute, flip signs, Walsh-Hadamard (scaled to keep lengths), all from a 32-byte
 * key. Two vectors turned by one key keep their cosine (to float32's rounding); turned by two
 * keys they have none to speak of. So templates of one face are unlinkable between purposes,
 * and a leaked set is made worthless by turning all with a new key, without a new photograph.
 * What it does not protect: whoever has the key turns back; whoever has about as many pairs of
 * plain and turned vectors as there are dimensions finds the turning. It is a second lock
 * behind AES-GCM, not a substitute for it.
 *
 * Threads: a key is read-only once made. Memory: the caller's. Errors: none but dimensions.
 */
#ifndef WARD_VAULT_ROTATE_H
#define WARD_VAULT_ROTATE_H

#include "common/base/crypto.h"

#define WARD_ROTATE_MAX    1024
#define WARD_ROTATE_ROUNDS 3

struct ward_rotation {
    int dim;
    uint16_t place[WARD_ROTATE_ROUNDS][WARD_ROTATE_MAX];
    float sign[WARD_ROTATE_ROUNDS][WARD_ROTATE_MAX]; /* +-1 */
};

/* dim: a power of two, 64..WARD_ROTATE_MAX. `context` (tenant, purpose) is mixed into the key.
 */
WARD_MUST bool ward_rotation_make(const uint8_t key[WARD_KEY_SIZE], const char *context,
                                  int dim, struct ward_rotation *out);
/* In place. */
void ward_rotate(const struct ward_rotation *r, float *v);
void ward_rotate_back(const struct ward_rotation *r, float *v);

#endif
