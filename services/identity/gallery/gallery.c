#include "services/identity/gallery/own.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/host/host.h"
#include "services/identity/subject/subject.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ward_family gallery_search_seconds = {
    .name = "ward_identity_gallery_search_seconds",
    .help = "Duration of one search in a gallery.",
    .type = WARD_HISTOGRAM,
    .bounds = WARD_SECONDS,
};
WARD_METRIC_LISTED(gallery_search_seconds)
struct ward_family gallery_ranked = {
    .name = "ward_identity_gallery_ranked_total",
    .help = "Number of faces compared in full precision because the int8 comparison was not "
            "exact enough.",
    .type = WARD_COUNTER,
};
WARD_METRIC_LISTED(gallery_ranked)

bool gallery_is_named(const char *name)
{
    const char *rest = strncmp(name, "ward/", 5) == 0     ? name + 5
                       : strncmp(name, "clinic/", 7) == 0 ? name + 7
                                                          : "";
    size_t n = strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789-_");

    return n >= 1 && n <= 48 && rest[n] == '\0';
}

/* ---- open and close ---- */

static void on_hint(void *arg, uint64_t seq)
{
    struct gallery *g = arg;

    if ((int64_t)seq > atomic_load(&g->seq)) {
        pthread_mutex_lock(&g->lock);
        g->woken = true;
        pthread_cond_signal(&g->wake);
        pthread_mutex_unlock(&g->lock);
    }
}

static enum ward_code open_hints(struct gallery *g, struct ward_err *err)
{
    struct ward_bus_tls tls = {g->cfg.tls_cert, g->cfg.tls_key, g->cfg.tls_ca};
    char *peers = ward_strdup(&g->mem, g->cfg.hint_peers);

    if (peers == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a gallery");
    if (*g->cfg.hint_listen != '\0')
        WARD_TRY(ward_hint_open(g->cfg.hint_listen, &tls, &g->pub, err));
    while (*peers != '\0') {
        size_t n = strcspn(peers, ",");
        bool last = peers[n] == '\0';

        peers[n] = '\0';
        if (g->n_subs == GALLERY_PEERS)
            return WARD_FAIL(err, FAILED_PRECONDITION, "more than %d hint peers",
                             GALLERY_PEERS);
        if (n > 0)
            WARD_TRY(ward_hint_follow(peers, &tls, GALLERY_TOPIC, on_hint, g,
                                      &g->sub[g->n_subs++], err));
        peers += last ? n : n + 1;
    }
    return WARD_OK;
}

static enum ward_code check_folder(const struct gallery *g, struct ward_err *err)
{
    struct stat st;

    if (*g->cfg.dir == '\0')
        return WARD_OK;
    (void)!mkdir(g->cfg.dir, 0700);
    if (stat(g->cfg.dir, &st) != 0 || !S_ISDIR(st.st_mode) || access(g->cfg.dir, W_OK) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the gallery's folder cannot be written to");
    if ((st.st_mode & 077) != 0)
        return WARD_FAIL(
            err, FAILED_PRECONDITION,
            "other users can access the gallery's folder: run chmod 0700 on the folder");
    return WARD_OK;
}

static enum ward_code begin(struct gallery *g, struct ward_err *err)
{
    WARD_TRY(check_folder(g, err));
    g->has_index = true;
    WARD_TRY(index_init(&g->x, &g->cfg, err));
    WARD_TRY(open_hints(g, err));
    if (pthread_create(&g->follower, NULL, gallery_follow, g) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no thread");
    g->following = true;
    if (*g->cfg.dir == '\0')
        return WARD_OK;
    if (pthread_create(&g->writer, NULL, gallery_write, g) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no thread");
    g->writing = true;
    return WARD_OK;
}

enum ward_code gallery_open(const struct gallery_config *cfg, struct keys *keys,
                            const struct ward_db_config *db, struct gallery **out,
                            struct ward_err *err)
{
    struct ward_arena mem;
    pthread_condattr_t attr;
    struct gallery *g;
    enum ward_code code;

    ward_arena_init(&mem, sizeof(*g) + ((size_t)64 << 10));
    g = ward_new(&mem, struct gallery);
    if (g == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a gallery");
    g->mem = mem;
    g->cfg = *cfg;
    g->keys = keys;
    g->db = db;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&g->lock, NULL);
    pthread_mutex_init(&g->heavy, NULL);
    pthread_cond_init(&g->wake, &attr);
    pthread_cond_init(&g->due, &attr);
    pthread_condattr_destroy(&attr);
    code = begin(g, err);
    if (code == WARD_OK)
        *out = g;
    else
        gallery_close(g);
    return code;
}

void gallery_close(struct gallery *g)
{
    struct ward_arena mem;

    if (g == NULL)
        return;
    for (int i = 0; i < g->n_subs; i++)
        ward_hint_unfollow(g->sub[i]);
    pthread_mutex_lock(&g->lock);
    atomic_store(&g->stopping, true);
    pthread_cond_signal(&g->wake);
    pthread_cond_signal(&g->due);
    pthread_mutex_unlock(&g->lock);
    if (g->following)
        pthread_join(g->follower, NULL);
    if (g->writing)
        pthread_join(g->writer, NULL);
    ward_hint_close(g->pub);
    if (g->has_index)
        index_done(&g->x);
    pthread_cond_destroy(&g->due);
    pthread_cond_destroy(&g->wake);
    pthread_mutex_destroy(&g->heavy);
    pthread_mutex_destroy(&g->lock);
    mem = g->mem;
    ward_arena_done(&mem);
}

enum ward_code gallery_ready(void *gallery, struct ward_err *err)
{
    struct gallery *g = gallery;

    if (!atomic_load(&g->ready))
        return WARD_FAIL_REASON(err, UNAVAILABLE, "GALLERY_LOADING",
                                "this replica is still loading its galleries");
    return WARD_OK;
}

void gallery_state(struct gallery *g, struct gallery_state *out)
{
    const char *kernel = "";
    struct index_size size;

    index_measure(&g->x, &size);
    if (ward_scan_kernels(&kernel, 1) < 1)
        kernel = "";
    *out = (struct gallery_state){.ready = atomic_load(&g->ready),
                                  .seq = atomic_load(&g->seq),
                                  .snapshot_seq = atomic_load(&g->snapshot_seq),
                                  .bytes = size.bytes,
                                  .subjects = {0, size.rows[1], size.rows[2]},
                                  .kernel = kernel};
}

/* ---- changes ---- */

/* Takes the number last, because its row remains locked until the commit: see the table
 * gallery_head. */
enum ward_code gallery_changed(struct gallery *g, struct ward_db *db, struct ward_arena *mem,
                               const uint8_t subject_id[KEYS_ID], struct ward_err *err)
{
    static const char NEXT[] =
        "UPDATE gallery_head SET seq = LAST_INSERT_ID(seq + 1) WHERE one = 1";
    static const char NOTE[] =
        "INSERT INTO gallery_change (seq, subject_id, at_us) VALUES (?, ?, ?)";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, NEXT, WARD_NO_PARAMS, &rows, err));
    if (rows.affected != 1)
        return WARD_FAIL(err, DATA_LOSS, "the gallery's change number is missing");
    WARD_TRY(
        ward_db_run(db, mem, NOTE,
                    WARD_PARAMS(ward_int(mem, (int64_t)rows.last_id),
                                ward_blob(subject_id, KEYS_ID), ward_int(mem, ward_wall_us())),
                    NULL, err));
    if (g != NULL)
        ward_db_after_commit(db, gallery_wake, g);
    return WARD_OK;
}

/* ---- searching ---- */

struct many {
    struct gallery *g;
    struct ward_db *db;
    int kind; /* 0: patients and staff */
    int which;
    const float *v;
    struct probe probe;
    size_t looked;
};

/* Whether a subject is already among the hits. A search may find a subject twice, with equal
 * scores. */
static bool is_among(const struct gallery_found *out, const struct gallery_hit *hit)
{
    for (int i = 0; i < out->n; i++)
        if (memcmp(out->hit[i].subject_id, hit->subject_id, KEYS_ID) == 0)
            return true;
    return false;
}

static void merge(struct gallery_found *out, int k, const struct gallery_hit *hits, int n)
{
    for (int i = 0; i < n; i++) {
        int at;

        if (is_among(out, &hits[i]))
            continue;
        at = out->n < k ? out->n++ : k;
        for (; at > 0 && out->hit[at - 1].score < hits[i].score; at--) {
            if (at < k)
                out->hit[at] = out->hit[at - 1];
        }
        if (at < k)
            out->hit[at] = hits[i];
    }
}

static enum ward_code search_space(struct many *m, const struct space *s,
                                   struct ward_arena *mem, struct gallery_found *out,
                                   struct ward_err *err)
{
    struct gallery_hit hits[WARD_COUNT(out->hit)];
    float turned[TEMPLATE_DIM_MAX];
    enum ward_code code;
    size_t looked = 0;
    int64_t size = 0;
    int n = 0;

    memcpy(turned, m->v, (size_t)s->dim * sizeof(*turned));
    code = keys_turn(m->g->keys, m->db, s->kind, s->generation, s->dim, turned, err);
    m->probe.v = turned;
    if (code == WARD_OK)
        code = index_search(&m->g->x, &m->probe, mem, hits, &n, &size, &looked, err);
    ward_wipe(turned, sizeof(turned));
    m->probe.v = NULL;
    WARD_TRY(code);
    merge(out, m->probe.k, hits, n);
    out->size += size;
    m->looked += looked;
    return WARD_OK;
}

static enum ward_code search_kind(struct many *m, int kind, struct ward_arena *mem,
                                  struct gallery_found *out, struct ward_err *err)
{
    struct space s = {.generation = -1};

    while (index_next_space(&m->g->x, m->which, kind, s.generation, &s, &m->probe.space)) {
        m->probe.generation = s.generation;
        WARD_TRY(search_space(m, &s, mem, out, err));
    }
    return WARD_OK;
}

static enum ward_code search_all(struct many *m, struct ward_arena *mem,
                                 struct gallery_found *out, struct ward_err *err)
{
    if (m->kind != SUBJECT_STAFF)
        WARD_TRY(search_kind(m, SUBJECT_PATIENT, mem, out, err));
    if (m->kind != SUBJECT_PATIENT)
        WARD_TRY(search_kind(m, SUBJECT_STAFF, mem, out, err));
    return WARD_OK;
}

bool gallery_is_name(const char *name)
{
    return strcmp(name, "patients") == 0 || strcmp(name, "staff") == 0 ||
           strcmp(name, "all") == 0 || gallery_is_named(name);
}

int64_t gallery_size(struct gallery *g, const char *name)
{
    struct index_size size;
    int64_t n;

    index_measure(&g->x, &size);
    if (strcmp(name, "patients") == 0)
        return size.rows[SUBJECT_PATIENT];
    if (strcmp(name, "staff") == 0)
        return size.rows[SUBJECT_STAFF];
    if (strcmp(name, "all") == 0)
        return size.rows[SUBJECT_PATIENT] + size.rows[SUBJECT_STAFF];
    n = index_named(&g->x, name);
    return n < 0 ? 0 : n;
}

int64_t gallery_rows(struct gallery *g, int which)
{
    int64_t n = 0;

    pthread_rwlock_rdlock(&g->x.lock);
    for (int i = 0; i < g->x.n_spaces; i++)
        n += g->x.at[i].which == which ? (int64_t)ward_scan_live(g->x.at[i].set) : 0;
    pthread_rwlock_unlock(&g->x.lock);
    return n;
}

enum ward_code gallery_known(struct gallery *g, const char *name, struct ward_err *err)
{
    WARD_TRY(gallery_ready(g, err));
    if (gallery_is_named(name) && index_named(&g->x, name) <= 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "GALLERY_NOT_FOUND",
                                "no gallery has this name, or the gallery has no subjects");
    return WARD_OK;
}

/* The snapshot could not be read during a search: the follower reads everything again. Until
 * then searches fail, instead of returning incomplete results. */
static enum ward_code damaged(struct gallery *g, struct ward_err *err)
{
    atomic_store(&g->reload, true);
    atomic_store(&g->ready, false);
    gallery_wake(g);
    return gallery_ready(g, err);
}

enum ward_code gallery_search(struct gallery *g, struct ward_db *db, const char *name,
                              int which, const float *v, int k, const uint8_t *except,
                              const struct ward_stop *stop, struct ward_arena *mem,
                              struct gallery_found *out, struct ward_err *err)
{
    struct many m = {.g = g, .db = db, .which = which, .v = v};
    struct gallery_found found = {.n = 0};
    int64_t began = ward_mono_ns();
    enum ward_code code;

    WARD_TRY(gallery_known(g, name, err));
    if (k < 1 || k > (int)WARD_COUNT(found.hit))
        return WARD_FAIL(err, INTERNAL, "a search must return 1 to 8 candidates");
    m.probe.k = k;
    m.probe.except = except;
    m.probe.stop = stop;
    found.seq = atomic_load(&g->seq);
    m.kind = strcmp(name, "patients") == 0 ? SUBJECT_PATIENT
             : strcmp(name, "staff") == 0  ? SUBJECT_STAFF
                                           : 0;
    m.probe.named = gallery_is_named(name) ? name : NULL;
    code = search_all(&m, mem, &found, err);
    if (code == WARD_DATA_LOSS)
        return damaged(g, err);
    WARD_TRY(code);
    ward_observe(&gallery_search_seconds, (double)(ward_mono_ns() - began) / 1e9);
    ward_count(&gallery_ranked, (double)m.looked);
    *out = found;
    return WARD_OK;
}
