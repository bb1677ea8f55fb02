/* rotate.h - a keyed orthogonal transform of vectors. It loses no information and makes vectors
 * of different keys incomparable.
 *
 * Each round permutes, flips signs and applies a Walsh-Hadamard transform (scaled to preserve
 * lengths), all derived from a 32-byte key. Two vectors transformed with one key keep their
 * cosine (to float32's rounding). Transformed with two keys, they have practically no
 * similarity. Templates of one face are therefore unlinkable between purposes, and a new key
 * makes leaked templates worthless without new photographs. Limits: the key's owner can invert
 * the transform, and about as many pairs of plain and transformed vectors as there are
 * dimensions reveal it. It is a second layer behind AES-GCM and no substitute for it.
 *
 * Threads: a key is read-only once created. Memory: the caller's. Errors: only for invalid
 * dimensions.
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
