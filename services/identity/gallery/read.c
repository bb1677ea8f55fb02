/* Reads the searchable subjects, their templates and their galleries from the database. */
#include "services/identity/gallery/own.h"

#include "common/base/crypto.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "services/identity/subject/subject.h"

#include <math.h>
#include <string.h>

/* Memory for 512 subjects with 100 templates each, including the overhead of result rows. */
#define READ_MEM ((size_t)256 << 20)

struct ward_family gallery_unreadable = {
    .name = "ward_identity_gallery_unreadable_total",
    .help = "Number of subjects missing from the galleries because their key or templates "
            "cannot be decrypted.",
    .type = WARD_COUNTER,
};
WARD_METRIC_LISTED(gallery_unreadable)

/* Columns of the query FACES. */
enum { ID, KIND, KEK, WRAPPED, TEMPLATE, MODEL, GENERATION, DIM, SEALED };

#define FACES                                                                                  \
    "SELECT k.subject_id, s.kind, k.kek, k.wrapped, t.template_id, t.model_sha256,"            \
    " t.generation, t.dim, t.sealed FROM face_key k"                                           \
    " STRAIGHT_JOIN subject s ON s.subject_id = k.subject_id"                                  \
    " STRAIGHT_JOIN template t ON t.subject_id = k.subject_id"                                 \
    " WHERE s.erased_at_us IS NULL AND t.model_sha256 IN (?, ?) AND EXISTS (SELECT 1"          \
    " FROM consent_entry c WHERE c.subject_id = s.subject_id"                                  \
    " AND c.purpose = IF(s.kind = 1, ?, ?) AND c.withdrawn_at_us IS NULL) AND "
#define MEMBERS "SELECT subject_id, gallery FROM gallery_member WHERE "
#define IN_32   "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"

enum ward_code reader_open(struct gallery *g, struct reader *r, struct ward_err *err)
{
    *r = (struct reader){.g = g};
    ward_arena_init(&r->mem, READ_MEM);
    return ward_db_open(g->db, &r->db, err);
}

void reader_close(struct reader *r)
{
    ward_db_close(r->db);
    ward_arena_done(&r->mem);
}

static bool is_id(struct ward_val v)
{
    return v.n == KEYS_ID;
}

static bool same_id(struct ward_val a, struct ward_val b)
{
    return memcmp(a.p, b.p, KEYS_ID) == 0;
}

/* ---- one subject's templates as a row ---- */

struct fusing {
    uint8_t key[WARD_KEY_SIZE];
    struct sealed_template t;
    float v[TEMPLATE_DIM_MAX], sum[TEMPLATE_DIM_MAX];
    int8_t codes[TEMPLATE_DIM_MAX];
};

static bool number_of(struct ward_val v, int64_t most, int *out)
{
    int64_t n;

    if (!ward_i64(v.p, 0, most, &n))
        return false;
    *out = (int)n;
    return true;
}

static enum ward_code bad_row(struct ward_err *err)
{
    return WARD_FAIL(err, DATA_LOSS, "a stored template is invalid");
}

static enum ward_code key_of(struct reader *r, const struct ward_val *row, uint8_t *key,
                             struct ward_err *err)
{
    struct ward_wrapped_key w;

    if (!number_of(row[KEK], INT32_MAX, &w.kek) || row[WRAPPED].n != sizeof(w.wrapped))
        return bad_row(err);
    memcpy(w.owner, row[ID].p, KEYS_ID);
    memcpy(w.wrapped, row[WRAPPED].p, sizeof(w.wrapped));
    return ward_keyring_unwrap(keys_ring(r->g->keys), r->db, &w, key, err);
}

static enum ward_code template_of_row(const struct ward_val *row, struct sealed_template *t,
                                      struct ward_err *err)
{
    if (!is_id(row[TEMPLATE]) || row[MODEL].n != 64 || row[SEALED].n > sizeof(t->bytes) ||
        !number_of(row[KIND], 2, &t->kind) ||
        !number_of(row[GENERATION], INT32_MAX, &t->generation) ||
        !number_of(row[DIM], TEMPLATE_DIM_MAX, &t->dim))
        return bad_row(err);
    memcpy(t->subject_id, row[ID].p, KEYS_ID);
    memcpy(t->template_id, row[TEMPLATE].p, KEYS_ID);
    memcpy(t->model_sha256, row[MODEL].p, 65);
    memcpy(t->bytes, row[SEALED].p, row[SEALED].n);
    t->n = row[SEALED].n;
    return WARD_OK;
}

/* Adds one template to the sum. During a renewal, a template of an older generation is
 * transformed to the newest generation first. */
static enum ward_code add_one(struct reader *r, struct fusing *f, const struct ward_val *row,
                              const struct face_row *out, struct ward_err *err)
{
    struct keys *keys = r->g->keys;

    WARD_TRY(template_of_row(row, &f->t, err));
    if (f->t.dim != out->dim)
        return bad_row(err);
    WARD_TRY(template_open(f->key, &f->t, f->v, err));
    if (f->t.generation != out->generation) {
        WARD_TRY(keys_turn_back(keys, r->db, f->t.kind, f->t.generation, f->t.dim, f->v, err));
        WARD_TRY(keys_turn(keys, r->db, f->t.kind, out->generation, f->t.dim, f->v, err));
    }
    for (int i = 0; i < f->t.dim; i++)
        f->sum[i] += f->v[i];
    return WARD_OK;
}

/* Chooses the model of the row: the current model if any template has it, otherwise the former
 * one. The row's generation is the newest among the templates of that model. */
static enum ward_code choose(struct reader *r, const struct ward_rows *rows, size_t from,
                             size_t to, struct face_row *out, struct ward_err *err)
{
    const struct gallery_config *cfg = &r->g->cfg;
    int generation;

    out->which = 1;
    for (size_t i = from; i < to; i++) {
        if (strcmp(rows->at[i][MODEL].p, cfg->model[0]) == 0)
            out->which = 0;
    }
    out->generation = 0;
    out->dim = cfg->dim[out->which];
    for (size_t i = from; i < to; i++) {
        if (!number_of(rows->at[i][GENERATION], INT32_MAX, &generation))
            return bad_row(err);
        if (strcmp(rows->at[i][MODEL].p, cfg->model[out->which]) == 0 &&
            generation > out->generation)
            out->generation = generation;
    }
    memcpy(out->id, rows->at[from][ID].p, KEYS_ID);
    return number_of(rows->at[from][KIND], 2, &out->kind) && out->kind >= 1 ? WARD_OK
                                                                            : bad_row(err);
}

/* Normalizes a sum of vectors to length 1. Returns false if the length is 0 or not a number. */
static bool to_unit(float *v, int dim)
{
    double sum = 0;

    for (int i = 0; i < dim; i++)
        sum += (double)v[i] * (double)v[i];
    if (!(sum > 1e-12 && sum < 1e12))
        return false;
    for (int i = 0; i < dim; i++)
        v[i] = (float)((double)v[i] / sqrt(sum));
    return true;
}

static enum ward_code fuse(struct reader *r, struct fusing *f, const struct ward_rows *rows,
                           size_t from, size_t to, struct ward_err *err)
{
    struct face_row out = {.exact = f->sum, .codes = f->codes};

    WARD_TRY(choose(r, rows, from, to, &out, err));
    WARD_TRY(key_of(r, rows->at[from], f->key, err));
    memset(f->sum, 0, sizeof(f->sum));
    for (size_t i = from; i < to; i++) {
        if (strcmp(rows->at[i][MODEL].p, r->g->cfg.model[out.which]) == 0)
            WARD_TRY(add_one(r, f, rows->at[i], &out, err));
    }
    if (!to_unit(f->sum, out.dim))
        return bad_row(err);
    WARD_TRY(ward_scan_quantise(f->sum, out.dim, f->codes, &out.code, err));
    return index_put(&r->g->x, &out, err);
}

/* Adds one subject. A subject that cannot be read is counted and omitted, so that the others
 * are still read. */
static enum ward_code put_one(struct reader *r, const struct ward_rows *rows, size_t from,
                              size_t to, struct ward_err *err)
{
    struct fusing f = {.t.n = 0};
    enum ward_code code = fuse(r, &f, rows, from, to, err);

    ward_wipe(&f, sizeof(f));
    if (code != WARD_DATA_LOSS && code != WARD_FAILED_PRECONDITION)
        return code;
    ward_count(&gallery_unreadable, 1);
    if (r->unreadable++ == 0) /* logs the first such subject; the metric counts all of them */
        ward_log_err(WARD_LOG_ERROR, "a subject is left out of the galleries", err);
    index_remove(&r->g->x, (const uint8_t *)rows->at[from][ID].p);
    return WARD_OK;
}

/* ---- many ---- */

/* Sets the galleries of one subject. `members` is sorted by id, and *at advances past the
 * subject's rows. */
static enum ward_code join_one(struct reader *r, struct ward_val id,
                               const struct ward_rows *members, size_t *at,
                               struct ward_err *err)
{
    const char **names;
    size_t n = 0;

    while (*at < members->n && memcmp(members->at[*at][0].p, id.p, KEYS_ID) < 0)
        ++*at;
    names = ward_alloc(&r->mem, (members->n - *at + 1) * sizeof(*names));
    if (names == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for galleries");
    while (*at < members->n && same_id(members->at[*at][0], id))
        names[n++] = members->at[(*at)++][1].p;
    return index_join(&r->g->x, (const uint8_t *)id.p, names, n, err);
}

static enum ward_code put_all(struct reader *r, const struct ward_rows *faces,
                              const struct ward_rows *members, struct ward_err *err)
{
    size_t at = 0, to;

    for (size_t i = 0; i < faces->n; i = to) {
        if (!is_id(faces->at[i][ID]))
            return bad_row(err);
        for (to = i + 1; to < faces->n && same_id(faces->at[to][ID], faces->at[i][ID]);)
            to++;
        WARD_TRY(put_one(r, faces, i, to, err));
        WARD_TRY(join_one(r, faces->at[i][ID], members, &at, err));
    }
    return WARD_OK;
}

#define MODELS_AND_PURPOSES(g)                                                                 \
    ward_text((g)->cfg.model[0]), ward_text((g)->cfg.model[1]), ward_text(PURPOSE_SEARCH),     \
        ward_text(PURPOSE_STAFF)

enum ward_code read_range(struct reader *r, const uint8_t after[KEYS_ID],
                          const uint8_t upto[KEYS_ID], struct ward_err *err)
{
    static const char SQL[] =
        FACES "k.subject_id > ? AND k.subject_id <= ? ORDER BY k.subject_id";
    static const char JOINED[] =
        MEMBERS "subject_id > ? AND subject_id <= ? ORDER BY subject_id";
    struct ward_val a = ward_blob(after, KEYS_ID), b = ward_blob(upto, KEYS_ID);
    struct ward_rows faces, members;
    enum ward_code code;

    code = ward_db_run(r->db, &r->mem, SQL, WARD_PARAMS(MODELS_AND_PURPOSES(r->g), a, b),
                       &faces, err);
    if (code == WARD_OK)
        code = ward_db_run(r->db, &r->mem, JOINED, WARD_PARAMS(a, b), &members, err);
    if (code == WARD_OK)
        code = put_all(r, &faces, &members, err);
    ward_arena_reset(&r->mem);
    return code;
}

/* Removes subjects for which the query returned no row. */
static void remove_others(struct reader *r, const uint8_t (*ids)[KEYS_ID], size_t n,
                          const struct ward_rows *faces)
{
    for (size_t i = 0; i < n; i++) {
        bool there = false;

        for (size_t k = 0; k < faces->n && !there; k++)
            there = memcmp(faces->at[k][ID].p, ids[i], KEYS_ID) == 0;
        if (!there)
            index_remove(&r->g->x, ids[i]);
    }
}

enum ward_code read_these(struct reader *r, const uint8_t (*ids)[KEYS_ID], size_t n,
                          struct ward_err *err)
{
    static const char SQL[] = FACES "k.subject_id IN " IN_32 " ORDER BY k.subject_id";
    static const char JOINED[] = MEMBERS "subject_id IN " IN_32 " ORDER BY subject_id";
    struct ward_val params[4 + READ_AT_ONCE] = {MODELS_AND_PURPOSES(r->g)};
    struct ward_rows faces, members;
    enum ward_code code;

    for (size_t i = 0; i < READ_AT_ONCE; i++)
        params[4 + i] = ward_blob(ids[i < n ? i : n - 1], KEYS_ID);
    code = ward_db_run(r->db, &r->mem, SQL, params, WARD_COUNT(params), &faces, err);
    if (code == WARD_OK)
        code = ward_db_run(r->db, &r->mem, JOINED, params + 4, READ_AT_ONCE, &members, err);
    if (code == WARD_OK) {
        remove_others(r, ids, n, &faces);
        code = put_all(r, &faces, &members, err);
    }
    ward_arena_reset(&r->mem);
    return code;
}

bool read_over(const uint8_t upto[KEYS_ID])
{
    for (int i = 0; i < KEYS_ID; i++) {
        if (upto[i] != 0xff)
            return false;
    }
    return true;
}

static enum ward_code end_of(struct reader *r, const char *sql, const uint8_t after[KEYS_ID],
                             int64_t n, uint8_t upto[KEYS_ID], struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(r->db, &r->mem, sql,
                         WARD_PARAMS(ward_blob(after, KEYS_ID), ward_int(&r->mem, n - 1)),
                         &rows, err));
    if (rows.n > 0 && is_id(rows.at[0][0]))
        memcpy(upto, rows.at[0][0].p, KEYS_ID);
    else
        memset(upto, 0xff, KEYS_ID);
    ward_arena_reset(&r->mem);
    return WARD_OK;
}

enum ward_code read_end(struct reader *r, const uint8_t after[KEYS_ID], int64_t n,
                        uint8_t upto[KEYS_ID], struct ward_err *err)
{
    return end_of(r,
                  "SELECT subject_id FROM face_key WHERE subject_id > ?"
                  " ORDER BY subject_id LIMIT 1 OFFSET ?",
                  after, n, upto, err);
}

enum ward_code read_all_members(struct reader *r, struct ward_err *err)
{
    static const char SQL[] = MEMBERS "subject_id > ? AND subject_id <= ? ORDER BY subject_id";
    static const char END[] = "SELECT subject_id FROM gallery_member WHERE subject_id > ?"
                              " ORDER BY subject_id LIMIT 1 OFFSET ?";
    uint8_t after[KEYS_ID] = {0}, upto[KEYS_ID] = {0};
    enum ward_code code = WARD_OK;

    while (code == WARD_OK && !read_over(upto)) {
        struct ward_rows m = {0};

        WARD_TRY(end_of(r, END, after, 4096, upto, err));
        code = ward_db_run(r->db, &r->mem, SQL,
                           WARD_PARAMS(ward_blob(after, KEYS_ID), ward_blob(upto, KEYS_ID)), &m,
                           err);
        for (size_t at = 0; code == WARD_OK && at < m.n;)
            code = join_one(r, m.at[at][0], &m, &at, err);
        ward_arena_reset(&r->mem);
        memcpy(after, upto, KEYS_ID);
    }
    return code;
}
