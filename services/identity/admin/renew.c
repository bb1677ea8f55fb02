/* RenewTemplates: creates the next generation of a kind's transform, applies it to every
 * template, and deletes the older generations. */
#include "services/identity/admin/progress.h"
#include "services/identity/api.h"
#include "services/identity/keys/keys_own.h"
#include "services/identity/subject/subject.h"
#include "ward/identity/v1/admin.pb-c.h"

#include <string.h>
#include <time.h>

typedef Ward__Identity__V1__RenewTemplatesRequest Request;
typedef Ward__Identity__V1__RenewTemplatesResponse Progress;

#define BATCH         50 /* subjects for each transaction */
#define BATCH_MEM     ((size_t)32 << 20)
#define FRUITLESS_MAX 200 /* maximum number of passes without progress, 20 ms apart */

struct renewing {
    struct ward_call *call;
    struct worker *w;
    struct ward_event event;
    struct progress progress;
    struct ward_arena mem; /* memory for one batch */
    int kind, generation;
    int64_t done, total, left;
    /* templates renewed, and templates that cannot be read, in this pass */
    int64_t pass_done, unreadable;
    int fruitless;
    uint8_t cursor[KEYS_ID];
};

/* Counts the kind's templates with a transform of an older generation. */
#define LEFT                                                                                   \
    "SELECT COUNT(*) FROM template t JOIN subject s ON s.subject_id = t.subject_id WHERE "     \
    "s.kind = ? AND t.generation < ?"

static enum ward_code count_left(struct renewing *n, struct ward_db *db, int64_t *left,
                                 struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(
        db, &n->mem, LEFT,
        WARD_PARAMS(ward_int(&n->mem, n->kind), ward_int(&n->mem, n->generation)), &rows, err));
    *left = ward_keyring_number(rows.at[0][0]);
    return WARD_OK;
}

/* ---- selection of the generation ---- */

static enum ward_code add_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct renewing *n = arg;
    enum ward_code code;
    struct ward_kek kek;

    WARD_TRY(ward_keyring_hold_newest(keys_ring(n->w->id->keys), db, &n->mem, &kek, err));
    code = ward_keyring_secret_add(keys_ring(n->w->id->keys), db, &n->mem, &kek, "turn",
                                   n->kind, n->generation, err);
    ward_wipe(&kek, sizeof(kek));
    return code;
}

/* Chooses the generation to apply. If only one exists, no renewal is in progress, and a new
 * generation is created. If several exist, the newest belongs to an unfinished renewal. */
static enum ward_code choose(struct renewing *n, struct ward_db *db, struct ward_err *err)
{
    struct ward_rows rows;
    bool unfinished;

    WARD_TRY(ward_db_run(db, &n->mem,
                         "SELECT COUNT(*), COALESCE(MAX(generation), 0) FROM secret WHERE "
                         "use_name = 'turn' AND kind = ?",
                         WARD_PARAMS(ward_int(&n->mem, n->kind)), &rows, err));
    unfinished = ward_keyring_number(rows.at[0][0]) > 1;
    n->generation = (int)ward_keyring_number(rows.at[0][1]) + !unfinished;
    return unfinished ? WARD_OK : ward_db_tx(db, add_in_tx, n, err);
}

static enum ward_code begin(struct renewing *n, struct ward_db *db, struct ward_err *err)
{
    enum ward_code code;

    do {
        code = choose(n, db, err);
        /* another renewal created the generation: continue with it */
    } while (code == WARD_ALREADY_EXISTS);
    WARD_TRY(code);
    WARD_TRY(ward_keyring_follow(keys_ring(n->w->id->keys), db, err));
    return count_left(n, db, &n->total, err);
}

/* ---- a batch of subjects ---- */

struct batch {
    struct renewing *n;
    size_t seen;
    int64_t done, unreadable;
    uint8_t last[KEYS_ID];
};

static enum ward_code read_template(const struct ward_val *row,
                                    const struct ward_wrapped_key *w, int kind,
                                    struct sealed_template *t)
{
    *t = (struct sealed_template){.kind = kind,
                                  .generation = (int)ward_keyring_number(row[2]),
                                  .dim = (int)ward_keyring_number(row[3]),
                                  .n = row[4].n};
    memcpy(t->subject_id, w->owner, KEYS_ID);
    if (row[0].n != KEYS_ID || row[1].n != sizeof(t->model_sha256) - 1 ||
        row[4].n > sizeof(t->bytes))
        return WARD_DATA_LOSS;
    memcpy(t->template_id, row[0].p, KEYS_ID);
    memcpy(t->model_sha256, row[1].p, row[1].n);
    memcpy(t->bytes, row[4].p, row[4].n);
    return WARD_OK;
}

/* Reverses the template's present transform, then applies the new generation. */
static enum ward_code turn_over(struct renewing *n, struct ward_db *db,
                                const uint8_t key[WARD_KEY_SIZE], struct sealed_template *t,
                                struct ward_err *err)
{
    struct keys *k = n->w->id->keys;
    float v[TEMPLATE_DIM_MAX];
    enum ward_code code = template_open(key, t, v, err);

    if (code == WARD_OK)
        code = keys_turn_back(k, db, t->kind, t->generation, t->dim, v, err);
    if (code == WARD_OK)
        code = keys_turn(k, db, t->kind, n->generation, t->dim, v, err);
    if (code == WARD_OK) {
        t->generation = n->generation;
        code = template_seal_turned(key, v, t, err);
    }
    ward_wipe(v, sizeof(v));
    return code;
}

static enum ward_code renew_template(struct batch *b, struct ward_db *db,
                                     const struct ward_wrapped_key *w,
                                     const uint8_t key[WARD_KEY_SIZE],
                                     const struct ward_val *row, struct ward_err *err)
{
    struct renewing *n = b->n;
    struct sealed_template t;
    enum ward_code code = read_template(row, w, n->kind, &t);

    if (code == WARD_OK)
        code = turn_over(n, db, key, &t, err);
    if (code == WARD_DATA_LOSS) {
        b->unreadable++;
        return WARD_OK;
    }
    WARD_TRY(code);
    b->done++;
    return ward_db_run(
        db, NULL, "UPDATE template SET generation = ?, sealed = ? WHERE template_id = ?",
        WARD_PARAMS(ward_int(&n->mem, t.generation), ward_blob(t.bytes, t.n), row[0]), NULL,
        err);
}

static enum ward_code renew_templates(struct batch *b, struct ward_db *db,
                                      const struct ward_wrapped_key *w,
                                      const uint8_t key[WARD_KEY_SIZE], struct ward_err *err)
{
    struct ward_arena *mem = &b->n->mem;
    struct ward_rows rows;

    WARD_TRY(
        ward_db_run(db, mem,
                    "SELECT template_id, model_sha256, generation, dim, sealed FROM "
                    "template WHERE subject_id = ? AND generation < ? FOR UPDATE",
                    WARD_PARAMS(ward_blob(w->owner, KEYS_ID), ward_int(mem, b->n->generation)),
                    &rows, err));
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(renew_template(b, db, w, key, rows.at[i], err));
    return WARD_OK;
}

/* Renews one subject. Locks the subject's row first, like all other changes of a subject. */
static enum ward_code renew_subject(struct batch *b, struct ward_db *db,
                                    const uint8_t id[KEYS_ID], struct ward_err *err)
{
    struct keys *k = b->n->w->id->keys;
    struct ward_arena *mem = &b->n->mem;
    uint8_t key[WARD_KEY_SIZE];
    struct ward_wrapped_key w;
    struct subject s;
    enum ward_code code;
    bool found = false;

    WARD_TRY(subject_find(db, mem, id, true, &s, err));
    WARD_TRY(face_key_of(db, mem, id, true, &w, &found, err));
    if (!found)
        return WARD_OK;
    code = ward_keyring_unwrap(keys_ring(k), db, &w, key, err);
    if (code == WARD_DATA_LOSS) {
        b->unreadable++;
        return WARD_OK;
    }
    if (code == WARD_OK)
        code = renew_templates(b, db, &w, key, err);
    ward_wipe(key, sizeof(key));
    return code;
}

static enum ward_code tell_gallery(struct batch *b, struct ward_db *db,
                                   const struct ward_rows *rows, struct ward_err *err)
{
    for (size_t i = 0; i < rows->n; i++)
        WARD_TRY(gallery_changed(b->n->w->id->gallery, db, &b->n->mem,
                                 (const uint8_t *)rows->at[i][0].p, err));
    return WARD_OK;
}

static enum ward_code batch_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct batch *b = arg;
    struct renewing *n = b->n;
    struct ward_rows rows;

    *b = (struct batch){.n = n};
    ward_arena_reset(&n->mem);
    WARD_TRY(
        ward_db_run(db, &n->mem,
                    "SELECT DISTINCT t.subject_id FROM template t JOIN subject s ON "
                    "s.subject_id = t.subject_id WHERE s.kind = ? AND t.generation < ? "
                    "AND t.subject_id > ? ORDER BY t.subject_id LIMIT 50",
                    WARD_PARAMS(ward_int(&n->mem, n->kind), ward_int(&n->mem, n->generation),
                                ward_blob(n->cursor, sizeof(n->cursor))),
                    &rows, err));
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(renew_subject(b, db, (const uint8_t *)rows.at[i][0].p, err));
    b->seen = rows.n;
    if (rows.n > 0)
        memcpy(b->last, rows.at[rows.n - 1][0].p, KEYS_ID);
    return tell_gallery(b, db, &rows, err);
}

/* ---- the end ---- */

/* Deletes older generations. A writer of a template holds a shared lock on the row of the
 * template's generation: wait for such writers, then check that no template is left. */
static enum ward_code end_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct renewing *n = arg;
    struct ward_event event = n->event;
    struct ward_val kind, generation;
    struct ward_rows rows;

    ward_arena_reset(&n->mem);
    kind = ward_int(&n->mem, n->kind);
    generation = ward_int(&n->mem, n->generation);
    WARD_TRY(ward_db_run(db, &n->mem,
                         "SELECT generation FROM secret WHERE use_name = 'turn' AND kind = ? "
                         "AND generation < ? FOR UPDATE",
                         WARD_PARAMS(kind, generation), &rows, err));
    WARD_TRY(count_left(n, db, &n->left, err));
    if (n->left > 0)
        return WARD_OK;
    WARD_TRY(ward_db_run(
        db, NULL, "DELETE FROM secret WHERE use_name = 'turn' AND kind = ? AND generation < ?",
        WARD_PARAMS(kind, generation), NULL, err));
    ward_event_note(&event, "kind", n->kind == SUBJECT_PATIENT ? "patient" : "staff");
    ward_event_note_int(&event, "generation", n->generation);
    ward_event_note_int(&event, "templates", n->done);
    return ward_event_write(&event, db, err);
}

static enum ward_code again(struct renewing *n, struct ward_err *err)
{
    const struct timespec pause = {.tv_nsec = 20 * WARD_NS_PER_MS};

    if (n->unreadable > 0 && n->pass_done == 0)
        return WARD_FAIL_REASON(err, DATA_LOSS, "TEMPLATE_UNREADABLE",
                                "%lld templates cannot be decrypted; these templates and their "
                                "transforms are unchanged",
                                (long long)n->left);
    n->fruitless = n->pass_done > 0 ? 0 : n->fruitless + 1;
    if (n->fruitless > FRUITLESS_MAX)
        return WARD_FAIL(err, UNAVAILABLE,
                         "other transactions keep locking the last templates; try again");
    if (n->fruitless > 0)
        nanosleep(&pause, NULL);
    n->pass_done = n->unreadable = 0;
    memset(n->cursor, 0, sizeof(n->cursor));
    return WARD_OK;
}

static enum ward_code tell(struct renewing *n, bool finished)
{
    Progress p = WARD__IDENTITY__V1__RENEW_TEMPLATES_RESPONSE__INIT;

    p.done = n->done;
    p.total = finished || n->total < n->done ? n->done : n->total;
    p.generation = n->generation;
    p.finished = finished;
    if (finished)
        p.event_id = n->event.event_text;
    return ward_send(n->call, &p.base);
}

static enum ward_code pass(struct renewing *n)
{
    struct ward_call *c = n->call;
    struct batch b = {.n = n};

    do {
        if (ward_call_cancelled(c))
            return WARD_FAIL(c->err, CANCELLED, "the caller disconnected");
        WARD_TRY(ward_db_tx(n->w->db, batch_in_tx, &b, c->err));
        memcpy(n->cursor, b.last, sizeof(n->cursor));
        n->done += b.done;
        n->pass_done += b.done;
        n->unreadable += b.unreadable;
        if (progress_due(&n->progress, n->done))
            WARD_TRY(tell(n, false));
    } while (b.seen == BATCH);
    return WARD_OK;
}

static enum ward_code renew(struct renewing *n)
{
    struct ward_call *c = n->call;

    WARD_TRY(begin(n, n->w->db, c->err));
    WARD_TRY(tell(n, false));
    progress_due(&n->progress, 0);
    for (;;) {
        WARD_TRY(pass(n));
        WARD_TRY(ward_db_tx(n->w->db, end_in_tx, n, c->err));
        if (n->left == 0)
            return tell(n, true);
        WARD_TRY(again(n, c->err));
    }
}

enum ward_code renew_templates_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    struct renewing n = {.call = c, .w = c->wrk, .kind = (int)((const Request *)q)->kind};
    enum ward_code code;

    (void)r;
    ward_event_begin(&n.event, c, api_event_ctx(c), NULL);
    if (n.kind != SUBJECT_PATIENT && n.kind != SUBJECT_STAFF)
        return WARD_FAIL_FIELD(c->err, "kind", "must be PATIENT or STAFF");
    ward_db_deadline(n.w->db, c->deadline_ns);
    ward_arena_init(&n.mem, BATCH_MEM);
    code = renew(&n);
    ward_arena_done(&n.mem);
    return code;
}
