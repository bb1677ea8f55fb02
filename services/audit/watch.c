#include "services/audit/watch.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/text.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#define EVERY_MS    500
#define CLEAR_TICKS 20 /* time between searches for unfinished erasures: 10 s */
#define DEEP_TICKS                                                                             \
    120 /* time between proofs that the log extends its earlier state: one minute */
#define CLEARED   1000
#define ARENA_CAP ((size_t)8 << 20)

struct audit_watch {
    struct audit *a;
    struct ward_db *db;
    struct ward_arena mem;
    pthread_t thread;
    pthread_mutex_t lock; /* guards stop */
    pthread_cond_t wake;
    bool stop;
    bool away; /* the last check failed; its failure was logged */
    unsigned ticks;
    struct audit_seen proven; /* the head of the last proof */
    struct audit_seen kept;   /* the head in the anchor file */
};

enum ward_code erase_clear(struct ward_db *db, struct ward_arena *mem, uint64_t *rows,
                           struct ward_err *err)
{
    static const char LEFT[] = "SELECT key_id, patient FROM erasing";
    static const char CLEAR[] = "UPDATE entry SET patient = NULL, content = NULL"
                                " WHERE patient = ? AND key_id = ? LIMIT ?";
    static const char DONE[] = "DELETE FROM erasing WHERE key_id = ?";
    struct ward_rows left, cleared;

    *rows = 0;
    WARD_TRY(ward_db_run(db, mem, LEFT, WARD_NO_PARAMS, &left, err));
    for (size_t i = 0; i < left.n; i++) {
        const struct ward_val *key = &left.at[i][0], *patient = &left.at[i][1];

        do {
            WARD_TRY(ward_db_run(db, mem, CLEAR,
                                 WARD_PARAMS(*patient, *key, ward_int(mem, CLEARED)), &cleared,
                                 err));
            *rows += cleared.affected;
        } while (cleared.affected == CLEARED);
        WARD_TRY(ward_db_run(db, mem, DONE, WARD_PARAMS(*key), NULL, err));
    }
    return WARD_OK;
}

/* The log must extend its state at the last proof. */
static enum ward_code prove(struct audit_watch *w, const struct audit_head *head,
                            struct ward_err *err)
{
    struct audit_reader r = {w->db, &w->mem};
    const struct ward_tree tree = audit_tree(&r);
    struct ward_hash proof[WARD_PROOF_MAX];
    uint64_t to = head->frontier.size;
    size_t n = 0;

    if (w->proven.any && w->proven.size > 0) {
        WARD_TRY(ward_prove_consistency(&tree, w->proven.size, to, proof, &n, err));
        if (!ward_check_consistency(w->proven.size, &w->proven.root, to, &head->root, proof, n))
            return WARD_FAIL_REASON(err, DATA_LOSS, "LOG_TAMPERED",
                                    "the log no longer extends its earlier state");
    }
    w->proven = (struct audit_seen){true, to, head->root};
    return WARD_OK;
}

static void tell(const struct audit_head *head)
{
    char root[2 * WARD_SHA256_SIZE + 1];

    ward_hex(head->root.b, sizeof(head->root.b), root);
    WARD_LOG(INFO, "head", WARD_KN("size", head->frontier.size), WARD_KV("root", root));
}

static enum ward_code look(struct audit_watch *w, struct ward_err *err)
{
    const struct audit_seen before =
        audit_seen(w->a); /* read before the head, because heads only grow */
    struct audit_head head;
    uint64_t rows;

    WARD_TRY(head_read(w->db, &w->mem, false, &head, err));
    WARD_TRY(audit_head_take(w->a, w->db, &w->mem, &before, &head, err));
    audit_saw(w->a, head.frontier.size, &head.root);
    if (w->ticks % DEEP_TICKS == 0 && head.frontier.size != w->proven.size) {
        WARD_TRY(prove(w, &head, err));
        /* a logged head is an anchor too, if logs are stored outside this machine */
        tell(&head);
    }
    if (*audit_cfg(w->a)->anchor != '\0' && head.frontier.size != w->kept.size) {
        anchor_write(w->a, &head);
        w->kept = (struct audit_seen){true, head.frontier.size, head.root};
    }
    if (w->ticks++ % CLEAR_TICKS == 0)
        WARD_TRY(erase_clear(w->db, &w->mem, &rows, err));
    return WARD_OK;
}

static void report(struct audit_watch *w, enum ward_code code, const struct ward_err *err)
{
    if (code == WARD_DATA_LOSS)
        audit_broke(w->a, err);
    else if (code != WARD_OK && !w->away)
        ward_log_err(WARD_LOG_WARN, "cannot query the stored log", err);
    w->away = code != WARD_OK;
}

static bool rest(struct audit_watch *w)
{
    int64_t until_ns = ward_mono_ns() + EVERY_MS * WARD_NS_PER_MS;
    struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
    bool stop;

    pthread_mutex_lock(&w->lock);
    while (!w->stop && pthread_cond_timedwait(&w->wake, &w->lock, &until) == 0)
        ;
    stop = w->stop;
    pthread_mutex_unlock(&w->lock);
    return !stop;
}

static void *run(void *arg)
{
    struct audit_watch *w = arg;

    do {
        struct ward_err err = {0};
        enum ward_code code = audit_sound(w->a, NULL);

        if (code == WARD_OK)
            report(w, look(w, &err), &err);
        ward_arena_reset(&w->mem);
    } while (rest(w));
    return NULL;
}

enum ward_code watch_start(struct audit *a, struct ward_arena *keep, struct audit_watch **out,
                           struct ward_err *err)
{
    struct audit_watch *w = ward_new(keep, struct audit_watch);
    pthread_condattr_t attr;

    if (w == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    WARD_TRY(ward_db_open(audit_cfg(a)->db, &w->db, err));
    w->a = a;
    ward_arena_init(&w->mem, ARENA_CAP);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&w->thread, NULL, run, w) != 0) {
        ward_db_close(w->db);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot start a thread");
    }
    *out = w;
    return WARD_OK;
}

void watch_stop(struct audit_watch *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    ward_db_close(w->db);
    ward_arena_done(&w->mem);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
}
