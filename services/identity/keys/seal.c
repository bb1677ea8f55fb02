/* Associated data of encrypted templates, and conversion of templates between float32 and
 * bytes. */
#include "services/identity/keys/keys_own.h"

#include <stdio.h>
#include <string.h>

static void put_number(uint8_t out[4], int v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)((uint32_t)v >> (8 * i));
}

/* Rows of generation 0 are older than transforms. Their associated data ends before
 * `number`. */
struct bound_template {
    char label[32];
    uint8_t subject_id[KEYS_ID], template_id[KEYS_ID];
    char model_sha256[64];
    uint8_t number[12]; /* kind, generation, dim */
};
#define BOUND_OLD offsetof(struct bound_template, number)

static struct bound_template bind_template(const struct sealed_template *t, size_t *n)
{
    struct bound_template b = {0};

    *n = t->generation == 0 ? BOUND_OLD : sizeof(b);
    snprintf(b.label, sizeof(b.label), "ward identity template %d", t->generation == 0 ? 1 : 2);
    memcpy(b.subject_id, t->subject_id, KEYS_ID);
    memcpy(b.template_id, t->template_id, KEYS_ID);
    memcpy(b.model_sha256, t->model_sha256, sizeof(b.model_sha256));
    put_number(b.number, t->kind);
    put_number(b.number + 4, t->generation);
    put_number(b.number + 8, t->dim);
    return b;
}

/* Converts float32 of this machine to little-endian bytes and back, because a database may move
 * between machines. */
static void to_bytes(const float *v, int dim, uint8_t *out)
{
    for (int i = 0; i < dim; i++) {
        uint32_t bits;

        memcpy(&bits, &v[i], sizeof(bits));
        for (int k = 0; k < 4; k++)
            out[4 * i + k] = (uint8_t)(bits >> (8 * k));
    }
}

static void from_bytes(const uint8_t *in, int dim, float *v)
{
    for (int i = 0; i < dim; i++) {
        uint32_t bits = 0;

        for (int k = 0; k < 4; k++)
            bits |= (uint32_t)in[4 * i + k] << (8 * k);
        memcpy(&v[i], &bits, sizeof(bits));
    }
}

enum ward_code template_seal_turned(const uint8_t key[WARD_KEY_SIZE], const float *turned,
                                    struct sealed_template *t, struct ward_err *err)
{
    uint8_t plain[TEMPLATE_DIM_MAX * sizeof(float)];
    struct bound_template b;
    enum ward_code code;
    size_t bound;

    if (t->dim < 1 || t->dim > TEMPLATE_DIM_MAX)
        return WARD_FAIL(err, INTERNAL, "a template has the unsupported size of %d dimensions",
                         t->dim);
    b = bind_template(t, &bound);
    to_bytes(turned, t->dim, plain);
    t->n = (size_t)t->dim * sizeof(float) + WARD_SEAL_EXTRA;
    code = ward_seal(key, &b, bound, plain, t->n - WARD_SEAL_EXTRA, t->bytes, err);
    ward_wipe(plain, sizeof(plain));
    return code;
}

enum ward_code template_seal(struct keys *k, const uint8_t key[WARD_KEY_SIZE], const float *v,
                             struct sealed_template *t, struct ward_err *err)
{
    float turned[TEMPLATE_DIM_MAX];
    enum ward_code code;

    if (t->dim < 1 || t->dim > TEMPLATE_DIM_MAX)
        return WARD_FAIL(err, INTERNAL, "a template has the unsupported size of %d dimensions",
                         t->dim);
    memcpy(turned, v, (size_t)t->dim * sizeof(float));
    t->generation = keys_generation(k, t->kind);
    code = keys_turn(k, NULL, t->kind, t->generation, t->dim, turned, err);
    if (code == WARD_OK)
        code = template_seal_turned(key, turned, t, err);
    ward_wipe(turned, sizeof(turned));
    return code;
}

enum ward_code template_open(const uint8_t key[WARD_KEY_SIZE], const struct sealed_template *t,
                             float *turned, struct ward_err *err)
{
    uint8_t plain[TEMPLATE_DIM_MAX * sizeof(float)];
    enum ward_code code = WARD_DATA_LOSS;
    struct bound_template b;
    size_t bound;

    if (t->dim >= 1 && t->dim <= TEMPLATE_DIM_MAX &&
        t->n == (size_t)t->dim * sizeof(float) + WARD_SEAL_EXTRA) {
        b = bind_template(t, &bound);
        code = ward_unseal(key, &b, bound, t->bytes, t->n, plain, err);
    }
    if (code == WARD_OK)
        from_bytes(plain, t->dim, turned);
    ward_wipe(plain, sizeof(plain));
    if (code == WARD_DATA_LOSS)
        return WARD_FAIL_REASON(err, DATA_LOSS, "TEMPLATE_UNREADABLE",
                                "the face template cannot be decrypted with this key");
    return code;
}

static enum ward_code share(struct ward_db *db, struct ward_arena *mem, int kind,
                            int generation, bool *there, struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem,
                         "SELECT generation FROM secret WHERE use_name = 'turn' AND kind = ? "
                         "AND generation = ? LOCK IN SHARE MODE",
                         WARD_PARAMS(ward_int(mem, kind), ward_int(mem, generation)), &rows,
                         err));
    *there = rows.n == 1;
    return WARD_OK;
}

/* Transforms a template from its present generation to the newest. */
static enum ward_code turn_anew(struct keys *k, struct ward_db *db,
                                const uint8_t key[WARD_KEY_SIZE], struct sealed_template *t,
                                struct ward_err *err)
{
    float v[TEMPLATE_DIM_MAX];
    enum ward_code code = template_open(key, t, v, err);

    if (code == WARD_OK)
        code = keys_turn_back(k, NULL, t->kind, t->generation, t->dim, v, err);
    if (code == WARD_OK)
        code = ward_keyring_follow(k->ring, db, err);
    if (code == WARD_OK)
        code = template_seal(k, key, v, t, err);
    ward_wipe(v, sizeof(v));
    return code;
}

enum ward_code template_hold(struct keys *k, struct ward_db *db, struct ward_arena *mem,
                             const uint8_t key[WARD_KEY_SIZE], struct sealed_template *t,
                             struct ward_err *err)
{
    bool there = false;

    WARD_TRY(share(db, mem, t->kind, t->generation, &there, err));
    if (there)
        return WARD_OK;
    WARD_TRY(turn_anew(k, db, key, t, err));
    WARD_TRY(share(db, mem, t->kind, t->generation, &there, err));
    if (there)
        return WARD_OK;
    return WARD_FAIL(err, UNAVAILABLE, "templates are being renewed");
}
