#include "common/vault/rotate.h"

#include <math.h>
#include <string.h>

#define LABEL "ward rotation v1" /* 16 bytes; a new derivation needs a new label */

/* GCC and clang compile this to vector instructions without intrinsics. */
typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));

/* An endless stream of unpredictable bytes: HMAC-SHA-256 of a counter. */
struct stream {
    uint8_t key[WARD_SHA256_SIZE];
    uint8_t block[WARD_SHA256_SIZE];
    uint32_t counter;
    size_t used;
};

static void stream_init(struct stream *s, const uint8_t key[WARD_KEY_SIZE], const char *context,
                        int dim, int round)
{
    uint8_t seed[16 + WARD_SHA256_SIZE + 3];

    memcpy(seed, LABEL, 16);
    ward_sha256(context, strlen(context), seed + 16);
    seed[48] = (uint8_t)(dim >> 8);
    seed[49] = (uint8_t)dim;
    seed[50] = (uint8_t)round;
    ward_hmac_sha256(key, WARD_KEY_SIZE, seed, sizeof(seed), s->key);
    s->counter = 0;
    s->used = sizeof(s->block);
}

static uint32_t stream_next(struct stream *s)
{
    uint8_t *b;

    if (s->used == sizeof(s->block)) {
        uint8_t c[4] = {(uint8_t)(s->counter >> 24), (uint8_t)(s->counter >> 16),
                        (uint8_t)(s->counter >> 8), (uint8_t)s->counter};

        ward_hmac_sha256(s->key, sizeof(s->key), c, sizeof(c), s->block);
        s->counter++;
        s->used = 0;
    }
    b = s->block + s->used;
    s->used += 4;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Returns 0 <= n < bound with equal probability. Values beyond the last whole multiple are
 * drawn again. */
static uint32_t below(struct stream *s, uint32_t bound)
{
    uint32_t odd = (uint32_t)(0x100000000ULL % bound); /* number of excess values */
    uint32_t x;

    do
        x = stream_next(s);
    while (x > UINT32_MAX - odd);
    return x % bound;
}

static void round_make(struct stream *s, int dim, uint16_t *place, float *sign)
{
    uint32_t bits = 0;

    for (int i = 0; i < dim; i++)
        place[i] = (uint16_t)i;
    for (int i = dim - 1; i > 0; i--) { /* Fisher-Yates shuffle */
        uint32_t j = below(s, (uint32_t)i + 1);
        uint16_t t = place[i];

        place[i] = place[j];
        place[j] = t;
    }
    for (int i = 0; i < dim; i++) {
        bits = i % 32 == 0 ? stream_next(s) : bits >> 1;
        sign[i] = (bits & 1) != 0 ? -1.0F : 1.0F;
    }
}

bool ward_rotation_make(const uint8_t key[WARD_KEY_SIZE], const char *context, int dim,
                        struct ward_rotation *out)
{
    struct stream s;

    if (context == NULL || dim < 64 || dim > WARD_ROTATE_MAX || (dim & (dim - 1)) != 0)
        return false;
    memset(out, 0, sizeof(*out));
    out->dim = dim;
    for (int r = 0; r < WARD_ROTATE_ROUNDS; r++) {
        stream_init(&s, key, context, dim, r);
        round_make(&s, dim, out->place[r], out->sign[r]);
    }
    ward_wipe(&s, sizeof(s));
    return true;
}

/* The butterflies of distance 1 and 2, within four neighbours. */
static void four(float *t)
{
    float a = t[0] + t[1], b = t[0] - t[1], c = t[2] + t[3], d = t[2] - t[3];

    t[0] = a + c;
    t[1] = b + d;
    t[2] = a - c;
    t[3] = b - d;
}

/* Two distances, h and 2h, in one pass over the memory. */
static void pair_of_stages(float *t, int dim, int h)
{
    for (int i = 0; i < dim; i += 4 * h)
        for (int j = i; j < i + h; j += 4) {
            quad *p = (quad *)(t + j), *q = (quad *)(t + j + h);
            quad *r = (quad *)(t + j + 2 * h), *s = (quad *)(t + j + 3 * h);
            quad a = *p + *q, b = *p - *q, c = *r + *s, d = *r - *s;

            *p = a + c;
            *q = b + d;
            *r = a - c;
            *s = b - d;
        }
}

static void last_stage(float *t, int dim)
{
    for (int j = 0; j < dim / 2; j += 4) {
        quad *p = (quad *)(t + j), *q = (quad *)(t + j + dim / 2);
        quad a = *p, b = *q;

        *p = a + b;
        *q = a - b;
    }
}

/* The Walsh-Hadamard transform, in place and unscaled. The transform is its own inverse up to
 * the factor 1/dim. */
static void hadamard(float *t, int dim)
{
    int h = 4;

    for (int i = 0; i < dim; i += 4)
        four(t + i);
    for (; 2 * h < dim; h *= 4)
        pair_of_stages(t, dim, h);
    if (h < dim)
        last_stage(t, dim);
}

void ward_rotate(const struct ward_rotation *r, float *v)
{
    const float scale = 1.0F / sqrtf((float)r->dim);
    float t[WARD_ROTATE_MAX] __attribute__((aligned(64)));

    for (int k = 0; k < WARD_ROTATE_ROUNDS; k++) {
        for (int i = 0; i < r->dim; i++)
            t[i] = v[r->place[k][i]] * (scale * r->sign[k][i]);
        hadamard(t, r->dim);
        memcpy(v, t, (size_t)r->dim * sizeof(*v));
    }
}

void ward_rotate_back(const struct ward_rotation *r, float *v)
{
    const float scale = 1.0F / sqrtf((float)r->dim);
    float t[WARD_ROTATE_MAX] __attribute__((aligned(64)));

    for (int k = WARD_ROTATE_ROUNDS - 1; k >= 0; k--) {
        memcpy(t, v, (size_t)r->dim * sizeof(*v));
        hadamard(t, r->dim);
        for (int i = 0; i < r->dim; i++)
            v[r->place[k][i]] = t[i] * (scale * r->sign[k][i]);
    }
}
