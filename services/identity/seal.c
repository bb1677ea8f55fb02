#include "services/identity/identity.h"

#include <string.h>

#define KEY_AAD      "ward identity key 1"
#define TEMPLATE_AAD "ward identity template 1"

/* What sealed bytes are bound to: moved to another row they do not open. */
struct bound {
    char label[32];
    uint8_t subject_id[IDENTITY_ID], template_id[IDENTITY_ID];
    char model_sha256[64];
};

static struct bound bind_key(const struct sealed *s)
{
    struct bound b = {.label = KEY_AAD};

    memcpy(b.subject_id, s->subject_id, sizeof(b.subject_id));
    return b;
}

static struct bound bind_template(const struct sealed *s)
{
    struct bound b = {.label = TEMPLATE_AAD};

    memcpy(b.subject_id, s->subject_id, sizeof(b.subject_id));
    memcpy(b.template_id, s->template_id, sizeof(b.template_id));
    memcpy(b.model_sha256, s->model_sha256, sizeof(b.model_sha256));
    return b;
}

/* float32 of this machine to little-endian bytes and back: a database moves between machines.
 */
static void to_bytes(const float *v, uint8_t *out)
{
    for (int i = 0; i < FACE_DIM; i++) {
        uint32_t bits;

        memcpy(&bits, &v[i], sizeof(bits));
        for (int k = 0; k < 4; k++)
            out[4 * i + k] = (uint8_t)(bits >> (8 * k));
    }
}

static void from_bytes(const uint8_t *in, float *v)
{
    for (int i = 0; i < FACE_DIM; i++) {
        uint32_t bits = 0;

        for (int k = 0; k < 4; k++)
            bits |= (uint32_t)in[4 * i + k] << (8 * k);
        memcpy(&v[i], &bits, sizeof(bits));
    }
}

enum ward_code seal_template(const uint8_t kek[WARD_KEY_SIZE], const float v[FACE_DIM],
                             struct sealed *s, struct ward_err *err)
{
    struct bound b = bind_key(s), t = bind_template(s);
    uint8_t key[WARD_KEY_SIZE], plain[FACE_DIM * sizeof(float)];
    enum ward_code code;

    ward_random(key, sizeof(key));
    to_bytes(v, plain);
    code = ward_seal(kek, &b, sizeof(b), key, sizeof(key), s->wrapped, err);
    if (code == WARD_OK)
        code = ward_seal(key, &t, sizeof(t), plain, sizeof(plain), s->embedding, err);
    ward_wipe(key, sizeof(key));
    ward_wipe(plain, sizeof(plain));
    return code;
}

enum ward_code unseal_template(const uint8_t kek[WARD_KEY_SIZE], const struct sealed *s,
                               float v[FACE_DIM], struct ward_err *err)
{
    struct bound b = bind_key(s), t = bind_template(s);
    uint8_t key[WARD_KEY_SIZE], plain[FACE_DIM * sizeof(float)];
    enum ward_code code;

    code = ward_unseal(kek, &b, sizeof(b), s->wrapped, sizeof(s->wrapped), key, err);
    if (code == WARD_OK)
        code = ward_unseal(key, &t, sizeof(t), s->embedding, sizeof(s->embedding), plain, err);
    ward_wipe(key, sizeof(key));
    if (code == WARD_OK)
        from_bytes(plain, v);
    ward_wipe(plain, sizeof(plain));
    if (code == WARD_DATA_LOSS)
        return WARD_FAIL_REASON(err, DATA_LOSS, "TEMPLATE_UNREADABLE",
                                "the face template does not open with this key");
    return code;
}
