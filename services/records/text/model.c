#include "services/records/text/model.h"

#include "common/base/text.h"
#include "common/serve/serve.h"
#include "services/records/text/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define OWN_CAP   ((size_t)1 << 20)
#define CANARY_MS 60000
/* memory of one window: inputs, outputs, the best sequence */
#define SCRATCH_CAP ((size_t)64 << 20)
#define INSTANCES   2   /* windows that are read concurrently */
#define QUEUE_ROWS  256 /* maximum windows that wait */
#define LABELS_MAX  32
#define WINDOW_MAX  4096

struct label {
    int kind; /* TEXT_MARK_NONE for the label O */
    bool begins;
};

struct text_model {
    struct text_backend backend; /* the callers' view */
    struct ward_arena mem;       /* also contains the struct text_model */
    struct ward_serve *serve;
    struct ward_serve_member member;
    struct ward_queue *queue; /* the queue for notes */
    struct ward_serve_engine *canary_engine;
    struct ward_arena canary_mem;
    struct ward_canary *canary;
    atomic_bool asked; /* the canary has run at least once */
    struct label label[LABELS_MAX];
    int n_labels;
    int64_t window; /* maximum code points of one run */
    const char *name, *version, *weights, *sha256, *input, *output;
    const char *terms; /* the input for the dictionary's labels; NULL for none */
    const struct text_row *known[8];
    size_t n_known;
};

static const char *const kind_names[] = {"symptom", "disease", "drug"};

/* ---- the card ---- */

static int kind_of(const char *name, size_t n)
{
    for (int k = 0; k < TEXT_MEASUREMENT; k++)
        if (strlen(kind_names[k]) == n && memcmp(kind_names[k], name, n) == 0)
            return k;
    return TEXT_MARK_NONE;
}

static enum ward_code read_label(const struct text_table *t, const struct text_row *row,
                                 struct text_model *m, struct ward_err *err)
{
    const char *s = row->col[1];
    struct label l = {TEXT_MARK_NONE, false};

    if (m->n_labels == LABELS_MAX)
        return TEXT_DATA_FAIL(err, t, row, "more than %d labels", LABELS_MAX);
    if (strcmp(s, "O") != 0) {
        bool prefixed = (s[0] == 'B' || s[0] == 'I') && s[1] == '_';

        l.begins = s[0] == 'B';
        l.kind = prefixed ? kind_of(s + 2, strlen(s + 2)) : TEXT_MARK_NONE;
        if (l.kind == TEXT_MARK_NONE)
            return TEXT_DATA_FAIL(err, t, row, "a label must be O, B_kind or I_kind");
    }
    m->label[m->n_labels++] = l;
    return WARD_OK;
}

static enum ward_code read_row(const struct text_table *t, const struct text_row *row,
                               struct text_model *m, struct ward_err *err)
{
    static const char *const languages[] = {"auto", "zh", "en", NULL};
    const struct {
        const char *key, **to;
    } texts[] = {{"name", &m->name},     {"version", &m->version}, {"weights", &m->weights},
                 {"sha256", &m->sha256}, {"input", &m->input},     {"output", &m->output},
                 {"terms", &m->terms}};
    static const char *const no_yes[] = {"no", "yes", NULL};
    int language = 0, fill = 0;

    for (size_t i = 0; i < WARD_COUNT(texts); i++)
        if (strcmp(row->col[0], texts[i].key) == 0) {
            *texts[i].to = row->col[1];
            return WARD_OK;
        }
    if (strcmp(row->col[0], "label") == 0)
        return read_label(t, row, m, err);
    if (strcmp(row->col[0], "language") == 0) {
        WARD_TRY(text_table_word(t, row, 1, languages, &language, err));
        m->backend.language = (enum text_language)language;
        return WARD_OK;
    }
    if (strcmp(row->col[0], "fill") == 0) {
        WARD_TRY(text_table_word(t, row, 1, no_yes, &fill, err));
        m->backend.filled = fill == 1;
        return WARD_OK;
    }
    if (strcmp(row->col[0], "window") == 0) {
        if (!ward_i64(row->col[1], 16, WINDOW_MAX, &m->window))
            return TEXT_DATA_FAIL(err, t, row, "a window must have 16 to %d code points",
                                  WINDOW_MAX);
        return WARD_OK;
    }
    if (strcmp(row->col[0], "known") == 0 && m->n_known < WARD_COUNT(m->known)) {
        m->known[m->n_known++] = row;
        return WARD_OK;
    }
    return TEXT_DATA_FAIL(err, t, row, "the key is unknown or occurs too often");
}

/* Rows: key  value  -; and: known  <text>  <expected spans: symptom:2-4,drug:7-9> */
static enum ward_code read_card(struct text_model *m, const char *dir, struct ward_err *err)
{
    const struct text_row end = {.line = 0};
    struct text_table t;

    WARD_TRY(text_table_read(&m->mem, dir, "card.tsv", 3, &t, err));
    for (size_t i = 0; i < t.n; i++)
        WARD_TRY(read_row(&t, &t.row[i], m, err));
    if (m->name == NULL || m->version == NULL || m->weights == NULL || m->sha256 == NULL ||
        m->input == NULL || m->output == NULL || m->window == 0 || m->n_labels < 2 ||
        m->n_known == 0)
        return TEXT_DATA_FAIL(err, &t, &end, "a key is missing");
    if (strchr(m->weights, '/') != NULL)
        return TEXT_DATA_FAIL(err, &t, &end, "the weights must be in the folder of the card");
    return WARD_OK;
}

/* ---- labels ---- */

/* An I_ follows a B_ or an I_ of its kind; all other transitions are permitted. */
static bool may_follow(const struct label *now, const struct label *before)
{
    return now->kind == TEXT_MARK_NONE || now->begins ||
           (before != NULL && before->kind == now->kind);
}

/* Computes the best sequence of labels (Viterbi) into way[n]. Returns false if a score is not
 * finite. */
static bool best_way(const struct text_model *m, const float *score, uint32_t n, uint8_t *back,
                     uint8_t *way)
{
    double total[LABELS_MAX] = {0}, next[LABELS_MAX];
    const int labels = m->n_labels;
    int best = 0;

    for (uint32_t i = 0; i < n; i++) {
        for (int l = 0; l < labels; l++) {
            double s = (double)score[(size_t)i * (size_t)labels + (size_t)l], top = -INFINITY;

            if (!isfinite(s))
                return false;
            for (int p = 0; i > 0 && p < labels; p++)
                if (total[p] > top && may_follow(&m->label[l], &m->label[p])) {
                    top = total[p];
                    back[(size_t)i * LABELS_MAX + (size_t)l] = (uint8_t)p;
                }
            if (i == 0 && may_follow(&m->label[l], NULL))
                top = 0;
            next[l] = top + s;
        }
        memcpy(total, next, sizeof(total));
    }
    for (int l = 1; l < labels; l++)
        best = total[l] > total[best] ? l : best;
    for (uint32_t i = n; i-- > 0;) {
        way[i] = (uint8_t)best;
        best = back[(size_t)i * LABELS_MAX + (size_t)best];
    }
    return true;
}

static enum ward_code add_marks(const struct text_model *m, const uint8_t *way, uint32_t start,
                                uint32_t n, struct ward_arena *mem, struct text_marks *out,
                                struct ward_err *err)
{
    for (uint32_t i = 0, j; i < n; i = j) {
        const struct label *l = &m->label[way[i]];

        for (j = i + 1; l->kind != TEXT_MARK_NONE && j < n; j++)
            if (m->label[way[j]].kind != l->kind || m->label[way[j]].begins)
                break;
        if (l->kind != TEXT_MARK_NONE)
            WARD_TRY(text_mark_add(
                out, mem,
                &(struct text_mark){.start = start + i, .end = start + j, .kind = l->kind},
                err));
    }
    return WARD_OK;
}

/* ---- running ---- */

static int32_t label_of(const struct text_model *m, int kind, bool begins)
{
    for (int l = 0; l < m->n_labels; l++)
        if (m->label[l].kind == kind && m->label[l].begins == begins)
            return l;
    return 0;
}

/* Converts the dictionary's marks within [start, start + n) to one label for each code
 * point. */
static void label_terms(const struct text_model *m, const struct text_marks *terms,
                        uint32_t start, uint32_t n, int32_t *labels)
{
    size_t lo = 0, hi = terms == NULL ? 0 : terms->n;

    while (lo < hi) { /* finds the first mark that begins in the window */
        size_t mid = lo + (hi - lo) / 2;

        if (terms->at[mid].start < start)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; terms != NULL && lo < terms->n && terms->at[lo].start < start + n; lo++)
        for (uint32_t i = terms->at[lo].start;
             terms->at[lo].kind != TEXT_MARK_NONE && i < terms->at[lo].end && i < start + n;
             i++)
            labels[i - start] = label_of(m, terms->at[lo].kind, i == terms->at[lo].start);
}

static bool input(struct ward_arena *mem, const char *name, uint32_t n, struct ward_tensor *out)
{
    *out = (struct ward_tensor){.name = name, .dtype = WARD_I32, .rank = 2, .shape = {1, n}};
    out->nbytes = (uint64_t)n * sizeof(int32_t);
    out->data = ward_alloc64(mem, out->nbytes);
    return out->data != NULL;
}

/* The state of reading one note. */
struct reading {
    const struct text_model *m;
    struct ward_engine *alone; /* a device that is being tested; NULL: use the queue */
    const struct text_doc *doc;
    const struct text_marks *terms;
    struct ward_arena scratch; /* memory of one window */
    struct ward_arena *mem;
    struct text_marks *out;
};

static enum ward_code ask(struct reading *r, const struct ward_tensor *in, uint32_t n_in,
                          struct ward_tensor *out, uint32_t *n_out, struct ward_err *err)
{
    if (r->alone != NULL)
        return ward_engine_run(r->alone, &r->scratch, NULL, in, n_in, out, n_out, err);
    return ward_queue_run(r->m->queue, WARD_ROUTINE, &r->scratch, r->doc->stop, in, n_in, out,
                          n_out, err);
}

/* Reads one window [start, start + n). */
static enum ward_code run(struct reading *r, uint32_t start, uint32_t n, struct ward_err *err)
{
    const struct text_model *m = r->m;
    struct ward_tensor in[2], result[4];
    const struct ward_tensor *scores;
    uint32_t n_out = WARD_COUNT(result);
    uint8_t *back, *way;

    ward_arena_reset(&r->scratch);
    back = ward_alloc(&r->scratch, (size_t)n * LABELS_MAX);
    way = ward_alloc(&r->scratch, n);
    if (!input(&r->scratch, m->input, n, &in[0]) || !input(&r->scratch, m->terms, n, &in[1]) ||
        back == NULL || way == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to ask the model");
    for (uint32_t i = 0; i < n; i++)
        ((int32_t *)in[0].data)[i] = (int32_t)r->doc->cp[start + i];
    label_terms(m, r->terms, start, n, in[1].data);
    WARD_TRY(ask(r, in, m->terms != NULL ? 2 : 1, result, &n_out, err));
    scores = ward_tensor_named(result, n_out, m->output);
    if (scores == NULL || scores->dtype != WARD_F32 || scores->rank != 3 ||
        scores->shape[0] != 1 || scores->shape[1] != n || scores->shape[2] != m->n_labels)
        return WARD_FAIL(err, INTERNAL, "the model's output does not match its card");
    if (!best_way(m, scores->data, n, back, way))
        return WARD_FAIL(err, INTERNAL,
                         "the model's output contains a value that is not a number");
    return add_marks(m, way, start, n, r->mem, r->out, err);
}

/* The end of the window that begins at `start`: the text's end, or after the window's last full
 * stop or comma.
 */
static uint32_t window_end(const struct text_model *m, const struct text_doc *doc,
                           uint32_t start, uint32_t end)
{
    uint32_t most = start + (uint32_t)m->window;

    if (end <= most)
        return end;
    for (uint32_t i = most; i > start + (uint32_t)m->window / 2; i--)
        if (doc->cp[i - 1] == 0x3002 || doc->cp[i - 1] == '\n' || doc->cp[i - 1] == ',' ||
            doc->cp[i - 1] == ';')
            return i;
    return most;
}

static enum ward_code read_note(struct reading *r, uint32_t start, uint32_t end,
                                struct ward_err *err)
{
    enum ward_code code = WARD_OK;

    ward_arena_init(&r->scratch, SCRATCH_CAP);
    for (uint32_t stop; code == WARD_OK && start < end; start = stop) {
        stop = window_end(r->m, r->doc, start, end);
        code = run(r, start, stop - start, err);
    }
    ward_arena_done(&r->scratch);
    return code;
}

/* Before the first run of the canary, the check at the start of the service is sufficient. */
static enum ward_code find(void *self, const struct text_doc *doc, uint32_t start, uint32_t end,
                           const struct text_marks *terms, struct ward_arena *mem,
                           struct text_marks *out, struct ward_err *err)
{
    struct text_model *m = self;
    struct reading r = {.m = m, .doc = doc, .terms = terms, .mem = mem, .out = out};

    if (atomic_load(&m->asked))
        WARD_TRY(ward_canary_state(m->canary, err));
    return read_note(&r, start, end, err);
}

/* ---- the known answer ---- */

/* Checks the findings of one text of the card. */
static enum ward_code ask_text(const struct text_model *m, struct ward_engine *e,
                               const struct text_row *row, struct ward_err *err)
{
    struct reading r = {.m = m, .alone = e};
    struct ward_arena mem;
    struct text_marks marks = {0};
    struct text_doc doc;
    char got[256] = "";
    size_t n = 0;
    enum ward_code code;

    ward_arena_init(&mem, OWN_CAP);
    code = text_doc_make(&mem, row->col[1], strlen(row->col[1]), &doc, err);
    r.doc = &doc;
    r.mem = &mem;
    r.out = &marks;
    if (code == WARD_OK)
        code = read_note(&r, 0, doc.n, err);
    for (size_t i = 0; code == WARD_OK && i < marks.n && n < sizeof(got); i++)
        n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%s:%u-%u", i ? "," : "",
                              kind_names[marks.at[i].kind], marks.at[i].start, marks.at[i].end);
    if (code == WARD_OK && strcmp(got, row->col[2]) != 0)
        code = WARD_FAIL_REASON(err, FAILED_PRECONDITION, "KNOWN_ANSWER",
                                "the text model's findings differ from card.tsv:%d", row->line);
    ward_arena_done(&mem);
    return code;
}

static enum ward_code ask_known(const void *arg, struct ward_engine *e, struct ward_arena *mem,
                                struct ward_err *err)
{
    const struct text_model *m = arg;

    (void)mem;
    for (size_t i = 0; i < m->n_known; i++)
        WARD_TRY(ask_text(m, e, m->known[i], err));
    return WARD_OK;
}

static enum ward_code canary(void *arg, struct ward_err *err)
{
    struct text_model *m = arg;
    enum ward_code code = ward_serve_known(m->canary_engine, &m->canary_mem, err);

    ward_arena_reset(&m->canary_mem);
    atomic_store(&m->asked, true);
    return code;
}

/* ---- open, close ---- */

static enum ward_code load(struct text_model *m, const struct text_model_config *cfg,
                           struct ward_err *err)
{
    struct ward_serve_config serve = {
        .plugins = cfg->plugins, .models = cfg->dir, .order = cfg->plugin, .fallback = "deny"};

    WARD_TRY(read_card(m, cfg->dir, err));
    serve.model[0] = (struct ward_serve_model){.name = m->name,
                                               .file = m->weights,
                                               .sha256 = m->sha256,
                                               .ask = ask_known,
                                               .ask_arg = m};
    WARD_TRY(ward_serve_open(&serve, &m->serve, err));
    m->member = (struct ward_serve_member){m->serve, 0};
    /* Windows differ in length, so they are not batched. */
    WARD_TRY(ward_serve_queue(&m->member,
                              &(struct ward_queue_config){.instances = INSTANCES,
                                                          .max_rows = 1,
                                                          .cap_rows = QUEUE_ROWS,
                                                          .scratch = SCRATCH_CAP},
                              &m->queue, err));
    m->backend.maker.name = m->name;
    m->backend.maker.version = m->version;
    snprintf(m->backend.maker.sha256, sizeof(m->backend.maker.sha256), "%s", m->sha256);
    WARD_TRY(ward_serve_engine_open(m->serve, &m->canary_engine, err));
    return ward_canary_start(m->name, CANARY_MS, canary, m, &m->canary, err);
}

enum ward_code text_model_open(const struct text_model_config *cfg, struct text_backend **out,
                               struct ward_err *err)
{
    struct ward_arena mem;
    struct text_model *m;
    enum ward_code code;

    ward_arena_init(&mem, OWN_CAP);
    m = ward_new(&mem, struct text_model);
    if (m == NULL) {
        ward_arena_done(&mem);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the text model");
    }
    m->mem = mem;
    m->backend.self = m;
    m->backend.find = find;
    ward_arena_init(&m->canary_mem, SCRATCH_CAP);
    code = load(m, cfg, err);
    if (code != WARD_OK) {
        text_model_close(&m->backend);
        return code;
    }
    *out = &m->backend;
    return WARD_OK;
}

void text_model_close(struct text_backend *b)
{
    struct text_model *m = b == NULL ? NULL : b->self;
    struct ward_arena mem;

    if (m == NULL)
        return;
    ward_canary_stop(m->canary);
    ward_serve_engine_close(m->canary_engine);
    ward_queue_close(m->queue);
    ward_serve_close(m->serve);
    ward_arena_done(&m->canary_mem);
    mem = m->mem; /* a copy, because m is in its own arena */
    ward_arena_done(&mem);
}
