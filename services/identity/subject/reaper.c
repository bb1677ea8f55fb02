/* The thread that deletes faces whose retention has ended, and expired rows. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/handler/event.h"
#include "services/identity/access/movements.h"
#include "services/identity/subject/counts.h"
#include "services/identity/subject/duplicates.h"
#include "services/identity/subject/rows.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#define EVERY_NS (INT64_C(60) * 1000 * WARD_NS_PER_MS)
/* interval of passes while the gallery is loading */
#define SOON_NS   (INT64_C(1000) * WARD_NS_PER_MS)
#define ARENA_CAP ((size_t)8 << 20)
#define DAY_US    (INT64_C(86400) * 1000000)
/* rows deleted by one statement: few, so that no call waits long for a lock */
#define SWEEP  1000
#define SWEEPS 100 /* maximum number of statements of one kind in one pass */

struct reaper {
    struct worker w;
    struct ward_arena own; /* contains this struct */
    struct ward_arena mem; /* memory for one pass */
    pthread_t thread;
    pthread_mutex_t lock; /* protects `stop` */
    pthread_cond_t wake;
    bool running, stop;
    bool away; /* the database was unavailable at the last pass */
    bool over; /* the number of faces exceeds WARD_FACES_LIMIT */
    bool soon; /* run the next pass soon: the gallery could not be searched yet */
};

/* ---- expired faces ---- */

struct ending {
    struct reaper *r;
    bool found;
};

/* Ends a face: withdraws all consents like WithdrawConsent, with the service itself as the
 * actor. */
static enum ward_code end_face(struct reaper *r, struct ward_db *db, const struct subject *s,
                               int64_t now_us, struct ward_err *err)
{
    static const struct ward_method_info what = {.path =
                                                     "/ward.identity.v1.Identity/Retention"};
    const struct identity *id = r->w.id;
    struct ward_call own;
    struct subject after;
    char text[37];
    struct ward_event event;
    bool had = false;
    uint64_t n;

    ward_uuid_text(s->id, text);
    ward_event_by_service(&event, &own, &r->w.event_ctx, &r->mem, &what, text);
    WARD_TRY(consents_end(db, &r->mem, s->id, "", "retention", now_us, &n, err));
    WARD_TRY(consents_enforce(id->keys, db, &r->mem, s, now_us, &had, err));
    WARD_TRY(subject_retain(db, &r->mem, s->id, 0, err));
    WARD_TRY(subject_find(db, &r->mem, s->id, false, &after, err));
    ward_event_note(&event, "key", had ? "destroyed" : "there was none");
    if (had && after.has_key_sha256) {
        char *hex = ward_alloc(&r->mem, 2 * sizeof(after.key_sha256) + 1);

        if (hex == NULL)
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the audit event");
        ward_hex(after.key_sha256, sizeof(after.key_sha256), hex);
        ward_event_note(&event, "key_sha256", hex);
    }
    WARD_TRY(ward_event_write(&event, db, err));
    return gallery_changed(id->gallery, db, &r->mem, s->id, err);
}

/* Ends one expired face. Other replicas do this at the same time: each replica only takes rows
 * that no other replica has locked. */
static enum ward_code end_one(struct ward_db *db, void *arg, struct ward_err *err)
{
    static const char NEXT[] =
        "SELECT subject_id FROM subject WHERE retain_until_us <= ? ORDER BY retain_until_us"
        " LIMIT 1 FOR UPDATE SKIP LOCKED";
    struct ending *e = arg;
    struct reaper *r = e->r;
    int64_t now_us = ward_wall_us();
    uint8_t id[IDENTITY_ID];
    struct ward_rows rows;
    struct subject s;

    e->found = false;
    WARD_TRY(
        ward_db_run(db, &r->mem, NEXT, WARD_PARAMS(ward_int(&r->mem, now_us)), &rows, err));
    if (rows.n == 0)
        return WARD_OK;
    if (rows.at[0][0].n != IDENTITY_ID)
        return WARD_FAIL(err, DATA_LOSS, "the row of a subject is invalid");
    e->found = true;
    memcpy(id, rows.at[0][0].p, sizeof(id));
    WARD_TRY(subject_find(db, &r->mem, id, true, &s, err));
    return end_face(r, db, &s, now_us, err);
}

static bool stopping(struct reaper *r)
{
    bool stop;

    pthread_mutex_lock(&r->lock);
    stop = r->stop;
    pthread_mutex_unlock(&r->lock);
    return stop;
}

static enum ward_code end_faces(struct reaper *r, struct ward_err *err)
{
    struct ending e = {.r = r, .found = true};

    while (e.found && !stopping(r)) {
        WARD_TRY(ward_db_tx(r->w.db, end_one, &e, err));
        ward_arena_reset(&r->mem);
    }
    return WARD_OK;
}

/* ---- postponed searches for duplicates ---- */

struct late {
    struct reaper *r;
    uint8_t id[IDENTITY_ID];
    struct lookalikes found;
};

/* Whether the subject still consents to searches. */
static enum ward_code may_search(struct ward_db *db, struct ward_arena *mem,
                                 const struct subject *s, bool *may, struct ward_err *err)
{
    struct consent_entry *list = NULL;
    size_t n = 0;

    WARD_TRY(consents_of(db, mem, s->id, &list, &n, err));
    *may = consent_stands(list, n, purpose_of_search(s->kind));
    return WARD_OK;
}

static enum ward_code keep_late(struct ward_db *db, void *arg, struct ward_err *err)
{
    static const char DONE[] = "DELETE FROM duplicate_search WHERE subject_id = ?";
    struct late *l = arg;
    struct ward_arena *mem = &l->r->mem;
    struct subject s;
    bool may = false;
    int n;

    WARD_TRY(subject_find(db, mem, l->id, true, &s, err));
    WARD_TRY(may_search(db, mem, &s, &may, err));
    if (may)
        WARD_TRY(duplicates_keep(db, mem, l->id, &l->found, ward_wall_us(), &n, err));
    return ward_db_run(db, mem, DONE, WARD_PARAMS(id_val(l->id)), NULL, err);
}

static enum ward_code search_late(struct late *l, struct ward_err *err)
{
    struct reaper *r = l->r;
    struct worker *w = &r->w;
    struct ward_stop stop = {.deadline_ns = ward_mono_ns() + EVERY_NS};
    struct fused all = {0};
    struct subject s;
    enum ward_code code;
    bool may = false;

    /* result if there is nothing to search for */
    l->found = (struct lookalikes){.searched = true};
    WARD_TRY(subject_find(w->db, &r->mem, l->id, false, &s, err));
    WARD_TRY(may_search(w->db, &r->mem, &s, &may, err));
    if (!may)
        return ward_db_tx(w->db, keep_late, l, err);
    code = subject_fused(w, &r->mem, &s, face_pack_sha256(w->id->now.pack), &all, NULL);
    if (code == WARD_OK && all.n > 0)
        code = keys_turn_back(w->id->keys, w->db, s.kind, all.generation, all.dim, all.v, NULL);
    if (code == WARD_OK && all.n > 0)
        duplicates_find(w, &r->mem, &stop, l->id, s.kind, all.v, &l->found);
    ward_wipe(&all, sizeof(all));
    if (!l->found.searched)
        return WARD_OK; /* the search is repeated at the next pass */
    return ward_db_tx(w->db, keep_late, l, err);
}

static enum ward_code search_again(struct reaper *r, struct ward_err *err)
{
    static const char NEXT[] = "SELECT subject_id FROM duplicate_search WHERE subject_id > ?"
                               " ORDER BY subject_id LIMIT 1";
    struct late l = {.r = r};
    struct ward_rows rows;

    r->soon = gallery_ready(r->w.id->gallery, NULL) != WARD_OK;
    while (!r->soon && !stopping(r)) {
        WARD_TRY(ward_db_run(r->w.db, &r->mem, NEXT, WARD_PARAMS(id_val(l.id)), &rows, err));
        if (rows.n == 0)
            break;
        if (rows.at[0][0].n != IDENTITY_ID)
            return WARD_FAIL(err, DATA_LOSS, "the row of a subject is invalid");
        memcpy(l.id, rows.at[0][0].p, IDENTITY_ID);
        WARD_TRY(search_late(&l, err));
        ward_arena_reset(&r->mem);
    }
    return WARD_OK;
}

/* ---- expired rows ---- */

static enum ward_code sweep(struct reaper *r, const char *sql, int64_t before_us,
                            struct ward_err *err)
{
    struct ward_rows out = {.affected = SWEEP};

    for (int i = 0; i < SWEEPS && out.affected == SWEEP && !stopping(r); i++)
        WARD_TRY(ward_db_run(r->w.db, &r->mem, sql, WARD_PARAMS(ward_int(&r->mem, before_us)),
                             &out, err));
    return WARD_OK;
}

/* Deletes expired rows. Challenges and misses are deleted after a day, redeemed tokens after
 * two days, gallery changes after a week. A follower that was offline for longer than a week
 * reads everything. */
static enum ward_code sweep_rows(struct reaper *r, struct ward_err *err)
{
    static const struct {
        const char *sql;
        int days;
    } rows[] = {
        {"DELETE FROM challenge WHERE expires_at_us < ? LIMIT 1000", 1},
        {"DELETE FROM spent_token WHERE spent_at_us < ? LIMIT 1000", 2},
        {"DELETE FROM identifier_miss WHERE at_us < ? LIMIT 1000", 1},
        {"DELETE FROM face_miss WHERE at_us < ? LIMIT 1000", 1},
        {"DELETE FROM gallery_change WHERE at_us < ? AND seq <"
         " (SELECT m FROM (SELECT MIN(seq) + 1000 m FROM gallery_change) x)",
         7},
    };
    int64_t now_us = ward_wall_us();

    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        WARD_TRY(sweep(r, rows[i].sql, now_us - rows[i].days * DAY_US, err));
    return WARD_OK;
}

/* ---- the thread ---- */

static enum ward_code pass(struct reaper *r, struct ward_err *err)
{
    struct counts c;

    ward_arena_reset(&r->mem);
    WARD_TRY(end_faces(r, err));
    WARD_TRY(sweep_rows(r, err));
    WARD_TRY(movements_sweep(r->w.db, &r->mem, &r->w.id->cfg, err));
    WARD_TRY(counts_read(r->w.db, &r->mem, &c, err));
    r->over = counts_tell(&c, r->w.id->cfg.faces_limit, r->over);
    return WARD_OK;
}

static bool rest(struct reaper *r, int64_t until_ns)
{
    struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
    bool stop;

    pthread_mutex_lock(&r->lock);
    while (!r->stop && ward_mono_ns() < until_ns)
        pthread_cond_timedwait(&r->wake, &r->lock, &until);
    stop = r->stop;
    pthread_mutex_unlock(&r->lock);
    return !stop;
}

static void *work(void *arg)
{
    struct reaper *r = arg;
    struct ward_err err = {0};
    int64_t now, due = 0;
    enum ward_code code;

    do {
        now = ward_mono_ns();
        code = now < due ? WARD_OK : pass(r, &err);
        due = now < due ? due : now + EVERY_NS;
        if (code == WARD_OK)
            code = search_again(r, &err);
        if (code != WARD_OK && !r->away)
            ward_log_err(WARD_LOG_WARN, "cannot delete faces whose retention time has passed",
                         &err);
        r->away = code != WARD_OK;
    } while (rest(r, r->soon && now + SOON_NS < due ? now + SOON_NS : due));
    return NULL;
}

enum ward_code reaper_open(struct identity *id, struct reaper **out, struct ward_err *err)
{
    struct ward_arena own;
    pthread_condattr_t attr;
    struct reaper *r;

    ward_arena_init(&own, sizeof(*r) + 64);
    r = ward_new(&own, struct reaper);
    if (r == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the reaper");
    r->own = own;
    r->w.id = id;
    ward_arena_init(&r->mem, ARENA_CAP);
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wake, &attr);
    pthread_condattr_destroy(&attr);
    /* assigned before the thread starts, so that the caller closes it after a failure */
    *out = r;
    WARD_TRY(ward_db_open(id->db, &r->w.db, err));
    r->w.event_ctx = (struct ward_event_ctx){.service = IDENTITY_NAME, .db = r->w.db};
    if (pthread_create(&r->thread, NULL, work, r) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot start the reaper's thread");
    r->running = true;
    return WARD_OK;
}

void reaper_close(struct reaper *r)
{
    struct ward_arena own;

    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
    if (r->running)
        pthread_join(r->thread, NULL);
    ward_db_close(r->w.db);
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    ward_arena_done(&r->mem);
    own = r->own;
    ward_arena_done(&own);
}
