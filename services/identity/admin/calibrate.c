/* Calibrate: measures the scores of this site's own faces. Genuine scores compare templates of
 * one subject. Impostor scores compare the first templates of different subjects. All templates
 * have one model and one generation, and all subjects consent to verification. Two groups are
 * omitted: children, who are never compared, and people who are enrolled twice (a pair resolved
 * as SAME), who would count as impostors. */
#include "services/identity/admin/scores.h"
#include "services/identity/api.h"
#include "services/identity/subject/rows.h"
#include "ward/identity/v1/admin.pb-c.h"

#include <string.h>

typedef Ward__Identity__V1__CalibrateRequest Request;
typedef Ward__Identity__V1__CalibrateResponse Response;
typedef Ward__Identity__V1__CalibrationPoint Point;
typedef Ward__Identity__V1__CalibrationBand Band;

#define GENUINE_LEAST  100
#define IMPOSTOR_LEAST 10000
#define PAIRS_DEFAULT  20000000
#define PAIRS_MOST     INT64_C(1000000000)
/* Maximum number of subjects whose first template is in memory: 40 MiB, and 200 million
 * pairs. */
#define HELD_MOST 20000
/* Maximum number of subjects with several templates whose pairs are scored. */
#define SEVERAL_MOST 50000
#define PAGE         200
#define VECTOR       (TEMPLATE_DIM_MAX * sizeof(float))
#define MEM          (HELD_MOST * VECTOR + TEMPLATES_MAX * VECTOR + ((size_t)2 << 20))
#define PAGE_MEM     ((size_t)4 << 20)

/* Selects subjects with a valid consent to verification and templates of the model. Omits
 * children and people who are enrolled twice. */
#define FROM_WHERE                                                                             \
    " FROM subject s STRAIGHT_JOIN template t ON t.subject_id = s.subject_id"                  \
    " WHERE s.kind = ? AND s.subject_id > ? AND s.erased_at_us IS NULL"                        \
    " AND t.model_sha256 = ? AND EXISTS (SELECT 1 FROM consent_entry c"                        \
    " WHERE c.subject_id = s.subject_id AND c.purpose = ? AND c.withdrawn_at_us IS NULL)"      \
    " AND (s.birth_year IS NULL OR s.birth_year < ?)"                                          \
    " AND NOT EXISTS (SELECT 1 FROM duplicate d"                                               \
    " WHERE d.subject_id = s.subject_id AND d.state = 2)"                                      \
    " AND NOT EXISTS (SELECT 1 FROM duplicate d"                                               \
    " WHERE d.other_subject_id = s.subject_id AND d.state = 2)"                                \
    " GROUP BY s.subject_id"

struct calibrating {
    struct ward_call *call;
    struct worker *w;
    struct ward_event event;
    int kind, generation, dim;
    const char *model;
    int64_t most;
    struct ward_arena mem;  /* allocations that live until the end of the call */
    struct ward_arena page; /* memory for the result of one query */
    uint8_t cursor[IDENTITY_ID];
    /* subjects with several templates: total, and visited; all subjects visited */
    int64_t several, several_seen, seen;
    int64_t subjects, unreadable;
    /* every n-th subject is used: of all, and of those with several templates */
    int64_t hold_every, score_every;
    /* first templates of all subjects; all templates of one subject */
    float *held, *own;
    int8_t *band; /* age band of each subject in `held`; -1: none */
    int n_held, n_own, year;
    int64_t in_band[SCORES_BANDS];
    struct scores *genuine, *impostor, *banded;
};

static enum ward_code gone(struct calibrating *k)
{
    return WARD_FAIL(k->call->err, CANCELLED, "the caller disconnected");
}

/* ---- one subject's templates, decrypted and transformed alike ---- */

static enum ward_code open_one(struct calibrating *k, const struct sealed_template *t,
                               const uint8_t key[WARD_KEY_SIZE], float *v)
{
    struct keys *keys = k->w->id->keys;
    struct ward_err *err = k->call->err;

    if (t->dim != k->dim)
        return WARD_FAIL(err, DATA_LOSS, "templates of one model differ in size");
    WARD_TRY(template_open(key, t, v, err));
    if (t->generation == k->generation)
        return WARD_OK;
    WARD_TRY(keys_turn_back(keys, k->w->db, t->kind, t->generation, t->dim, v, err));
    return keys_turn(keys, k->w->db, t->kind, k->generation, t->dim, v, err);
}

static enum ward_code open_all(struct calibrating *k, const struct kept_template *t, size_t n,
                               const struct ward_wrapped_key *wrapped)
{
    uint8_t key[WARD_KEY_SIZE];
    enum ward_code code;

    code = ward_keyring_unwrap(keys_ring(k->w->id->keys), k->w->db, wrapped, key, k->call->err);
    for (size_t i = 0; i < n && i < TEMPLATES_MAX && code == WARD_OK; i++) {
        code = open_one(k, &t[i].sealed, key, k->own + i * (size_t)k->dim);
        k->n_own += code == WARD_OK;
    }
    ward_wipe(key, sizeof(key));
    return code;
}

/* A subject that cannot be decrypted is counted and omitted. If the transform is missing, a
 * renewal has ended since the start, and no other subject could be decrypted either. */
static enum ward_code open_subject(struct calibrating *k, const uint8_t id[IDENTITY_ID])
{
    struct ward_call *c = k->call;
    struct kept_template *t = NULL;
    struct ward_wrapped_key wrapped;
    enum ward_code code;
    bool found = false;
    size_t n = 0;

    k->n_own = 0;
    ward_arena_reset(&k->page);
    WARD_TRY(face_key_of(k->w->db, &k->page, id, false, &wrapped, &found, c->err));
    if (!found)
        return WARD_OK; /* the consent was withdrawn a moment ago */
    code = templates_of(k->w->db, &k->page, id, k->kind, k->model, &t, &n, c->err);
    if (code == WARD_OK)
        code = open_all(k, t, n, &wrapped);
    if (code != WARD_DATA_LOSS)
        return code;
    if (keys_generation(k->w->id->keys, k->kind) != k->generation)
        return WARD_FAIL(c->err, UNAVAILABLE,
                         "the templates were renewed meanwhile; repeat the call");
    *c->err = (struct ward_err){0};
    k->n_own = 0;
    k->unreadable++;
    return WARD_OK;
}

static void score_own(struct calibrating *k)
{
    size_t dim = (size_t)k->dim;

    for (int i = 0; i < k->n_own; i++)
        for (int j = 0; j < i; j++)
            scores_add(k->genuine,
                       scores_dot(k->own + (size_t)i * dim, k->own + (size_t)j * dim, k->dim));
}

static void hold_first(struct calibrating *k, int birth_year)
{
    int band = birth_year == 0 ? -1 : scores_band(k->year - birth_year);

    if (k->n_own == 0 || k->n_held == HELD_MOST)
        return;
    k->band[k->n_held] = (int8_t)band;
    if (band >= 0)
        k->in_band[band]++;
    memcpy(k->held + (size_t)k->n_held * (size_t)k->dim, k->own,
           (size_t)k->dim * sizeof(*k->own));
    k->n_held++;
}

/* ---- all subjects ---- */

struct found_subject {
    uint8_t id[IDENTITY_ID];
    bool several;
    int birth_year; /* 0: unknown */
};

static enum ward_code take_subject(struct calibrating *k, const struct found_subject *s)
{
    bool hold = k->seen++ % k->hold_every == 0;
    bool score = s->several && k->several_seen++ % k->score_every == 0;

    if (!hold && !score)
        return WARD_OK;
    WARD_TRY(open_subject(k, s->id));
    k->subjects += k->n_own > 0;
    if (hold)
        hold_first(k, s->birth_year);
    if (score)
        score_own(k);
    return WARD_OK;
}

static struct ward_val kind_val(struct calibrating *k)
{
    return ward_text(k->kind == SUBJECT_PATIENT ? "1" : "2");
}

/* Reads the next page of subjects. The subjects are stored outside the arena that is reset for
 * each subject. */
static enum ward_code read_page(struct calibrating *k, struct found_subject out[PAGE],
                                size_t *n)
{
    static const char SQL[] =
        "SELECT s.subject_id, COUNT(*) > 1, COALESCE(MAX(s.birth_year), 0)" FROM_WHERE
        " ORDER BY s.subject_id LIMIT 200";
    struct ward_rows rows;

    ward_arena_reset(&k->page);
    WARD_TRY(ward_db_run(k->w->db, &k->page, SQL,
                         WARD_PARAMS(kind_val(k), id_val(k->cursor), ward_text(k->model),
                                     ward_text(purpose_of_verify(k->kind)),
                                     ward_int(&k->page, face_born_before(k->w->id))),
                         &rows, k->call->err));
    for (size_t i = 0; i < rows.n && i < PAGE; i++) {
        int64_t born = 0;

        if (rows.at[i][0].n != IDENTITY_ID || !row_number(rows.at[i][2], &born))
            return WARD_FAIL(k->call->err, DATA_LOSS, "the row of a subject is invalid");
        memcpy(out[i].id, rows.at[i][0].p, IDENTITY_ID);
        out[i].several = row_text(rows.at[i][1])[0] == '1';
        out[i].birth_year = (int)born;
    }
    *n = rows.n;
    return WARD_OK;
}

static enum ward_code take_all(struct calibrating *k)
{
    struct found_subject page[PAGE];
    size_t n = 0;

    do {
        if (ward_call_cancelled(k->call))
            return gone(k);
        WARD_TRY(read_page(k, page, &n));
        for (size_t i = 0; i < n; i++)
            WARD_TRY(take_subject(k, &page[i]));
        if (n > 0)
            memcpy(k->cursor, page[n - 1].id, IDENTITY_ID);
    } while (n == PAGE);
    return WARD_OK;
}

/* Counts the subjects. The counts determine which fraction of the subjects is used. */
static enum ward_code count_all(struct calibrating *k)
{
    static const char SQL[] =
        "SELECT COUNT(*), SUM(x.c > 1) FROM (SELECT COUNT(*) AS c" FROM_WHERE ") x";
    struct ward_rows rows;
    int64_t all;

    WARD_TRY(ward_db_run(k->w->db, &k->page, SQL,
                         WARD_PARAMS(kind_val(k), id_val(k->cursor), ward_text(k->model),
                                     ward_text(purpose_of_verify(k->kind)),
                                     ward_int(&k->page, face_born_before(k->w->id))),
                         &rows, k->call->err));
    if (rows.n != 1 || !row_number(rows.at[0][0], &all) ||
        !row_number(rows.at[0][1], &k->several))
        return WARD_FAIL(k->call->err, DATA_LOSS, "a stored count is invalid");
    k->hold_every = all / HELD_MOST + (all % HELD_MOST != 0);
    k->score_every = k->several / SEVERAL_MOST + (k->several % SEVERAL_MOST != 0);
    /* not 0: a first subject may be enrolled at this moment */
    k->hold_every += k->hold_every == 0;
    k->score_every += k->score_every == 0;
    return WARD_OK;
}

static void score_pair(struct calibrating *k, size_t a, size_t b)
{
    size_t dim = (size_t)k->dim;
    double score = scores_dot(k->held + a * dim, k->held + b * dim, k->dim);

    scores_add(k->impostor, score);
    if (k->band[a] >= 0 && k->band[a] == k->band[b])
        scores_add(&k->banded[k->band[a]], score);
}

static enum ward_code score_impostors(struct calibrating *k)
{
    struct pairing p;

    if (k->n_held < 2)
        return WARD_OK;
    pairing_make(&p, k->n_held, k->most);
    for (int s = 0; s < p.steps; s++) {
        int pairs = 0, step = pairing_step(&p, s, &pairs);

        if (ward_call_cancelled(k->call))
            return gone(k);
        for (int i = 0; i < pairs; i++)
            score_pair(k, (size_t)i, (size_t)((i + step) % p.n));
    }
    return WARD_OK;
}

/* ---- the answer ---- */

static enum ward_code no_memory(struct calibrating *k)
{
    return WARD_FAIL(k->call->err, RESOURCE_EXHAUSTED, "no memory for the answer");
}

static enum ward_code fill_points(struct calibrating *k, const struct score_point *table, int n,
                                  Point ***list, size_t *n_list)
{
    struct ward_arena *mem = k->call->mem;
    Point *p = ward_alloc(mem, (size_t)n * sizeof(*p));

    *list = ward_alloc(mem, (size_t)n * sizeof(Point *));
    if (p == NULL || *list == NULL)
        return no_memory(k);
    for (int i = 0; i < n; i++) {
        ward__identity__v1__calibration_point__init(&p[i]);
        p[i].fmr = table[i].at.fmr;
        p[i].threshold = table[i].at.threshold;
        p[i].tar = table[i].at.tar;
        p[i].impostors = table[i].impostors;
        (*list)[i] = &p[i];
    }
    *n_list = (size_t)n;
    return WARD_OK;
}

static int bin_of(double threshold)
{
    int k = 0;

    while (k < SCORE_BINS && scores_edge(k) < threshold)
        k++;
    return k;
}

/* Bands without subjects are omitted. */
static enum ward_code fill_bands(struct calibrating *k, const struct score_point *table, int n,
                                 Response *resp)
{
    struct ward_arena *mem = k->call->mem;
    Band *b = ward_alloc(mem, SCORES_BANDS * sizeof(*b));

    resp->bands = ward_alloc(mem, SCORES_BANDS * sizeof(Band *));
    if (b == NULL || resp->bands == NULL)
        return no_memory(k);
    for (int i = 0; i < SCORES_BANDS; i++) {
        if (k->banded[i].n == 0)
            continue;
        ward__identity__v1__calibration_band__init(&b[i]);
        WARD_TRY(ward_call_copy(k->call, scores_band_name(i), &b[i].ages));
        b[i].subjects = k->in_band[i];
        b[i].impostor = k->banded[i].n;
        b[i].matched = ward_alloc(mem, (size_t)n * sizeof(int64_t));
        if (b[i].matched == NULL)
            return no_memory(k);
        for (int j = 0; j < n; j++)
            b[i].matched[j] = scores_from(&k->banded[i], bin_of(table[j].at.threshold));
        b[i].n_matched = (size_t)n;
        resp->bands[resp->n_bands++] = &b[i];
    }
    return WARD_OK;
}

static enum ward_code fill(struct calibrating *k, Response *resp)
{
    struct ward_call *c = k->call;
    struct score_point table[CALIBRATION_POINTS_MAX], mixed[CALIBRATION_POINTS_MAX];
    int n = scores_table_banded(k->genuine, k->impostor, k->banded, table);
    int n_mixed = scores_table(k->genuine, k->impostor, mixed);

    WARD_TRY(fill_points(k, table, n, &resp->points, &resp->n_points));
    WARD_TRY(fill_points(k, mixed, n_mixed, &resp->mixed, &resp->n_mixed));
    WARD_TRY(fill_bands(k, table, n, resp));
    resp->subjects = k->subjects;
    resp->genuine = k->genuine->n;
    resp->impostor = k->impostor->n;
    WARD_TRY(ward_call_copy(c, k->model, &resp->model_sha256));
    return ward_call_copy(c, k->event.event_text, &resp->event_id);
}

static void note_number(struct calibrating *k, const char *what, int64_t n)
{
    const char *s = ward_printf(k->call->mem, "%lld", (long long)n);

    ward_event_note(&k->event, what, s == NULL ? "" : s);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct calibrating *k = arg;

    return ward_event_write(&k->event, db, err);
}

static enum ward_code calibrate(struct calibrating *k, Response *resp)
{
    struct ward_call *c = k->call;

    k->genuine = ward_new(&k->mem, struct scores);
    k->impostor = ward_new(&k->mem, struct scores);
    k->banded = ward_alloc(&k->mem, SCORES_BANDS * sizeof(*k->banded));
    k->band = ward_alloc(&k->mem, HELD_MOST);
    k->own = ward_alloc(&k->mem, TEMPLATES_MAX * VECTOR);
    WARD_TRY(count_all(k));
    k->held = ward_alloc(&k->mem, HELD_MOST * (size_t)k->dim * sizeof(float));
    if (k->genuine == NULL || k->impostor == NULL || k->own == NULL || k->held == NULL ||
        k->banded == NULL || k->band == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory to calibrate with");
    WARD_TRY(take_all(k));
    WARD_TRY(score_impostors(k));
    if (k->genuine->n < GENUINE_LEAST || k->impostor->n < IMPOSTOR_LEAST)
        return WARD_FAIL_REASON(
            c->err, FAILED_PRECONDITION, "CALIBRATION_TOO_FEW",
            "%lld genuine and %lld impostor pairs: at least %d and %d are needed",
            (long long)k->genuine->n, (long long)k->impostor->n, GENUINE_LEAST, IMPOSTOR_LEAST);
    WARD_TRY(fill(k, resp));
    ward_event_note(&k->event, "kind", k->kind == SUBJECT_PATIENT ? "patient" : "staff");
    note_number(k, "subjects", k->subjects);
    note_number(k, "unreadable", k->unreadable);
    note_number(k, "genuine", k->genuine->n);
    note_number(k, "impostor", k->impostor->n);
    return ward_db_tx(k->w->db, in_tx, k, c->err);
}

enum ward_code calibrate_rpc(struct ward_call *c, const ProtobufCMessage *q,
                             ProtobufCMessage *r)
{
    const Request *req = (const Request *)q;
    struct worker *w = c->wrk;
    struct calibrating k = {
        .call = c, .w = w, .kind = (int)req->kind, .year = face_this_year()};
    enum ward_code code;

    ward_event_begin(&k.event, c, api_event_ctx(c), NULL);
    if (k.kind != SUBJECT_PATIENT && k.kind != SUBJECT_STAFF)
        return WARD_FAIL_FIELD(c->err, "kind", "must be PATIENT or STAFF");
    if (req->most_pairs < 0 || req->most_pairs > PAIRS_MOST)
        return WARD_FAIL_FIELD(c->err, "most_pairs", "must be 0..%lld", (long long)PAIRS_MOST);
    k.most = req->most_pairs == 0 ? PAIRS_DEFAULT : req->most_pairs;
    k.model = face_pack_sha256(w->id->now.pack);
    k.dim = face_pack_dim(w->id->now.pack);
    k.generation = keys_generation(w->id->keys, k.kind);
    ward_db_deadline(w->db, c->deadline_ns);
    ward_arena_init(&k.mem, MEM);
    ward_arena_init(&k.page, PAGE_MEM);
    code = calibrate(&k, (Response *)r);
    if (k.held != NULL)
        ward_wipe(k.held, HELD_MOST * (size_t)k.dim * sizeof(float));
    if (k.own != NULL)
        ward_wipe(k.own, TEMPLATES_MAX * VECTOR);
    ward_arena_done(&k.page);
    ward_arena_done(&k.mem);
    return code;
}
