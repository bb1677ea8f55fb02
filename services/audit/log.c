/* Opens the log, and stores what this process knows about it. */
#include "services/audit/append.h"
#include "services/audit/watch.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

struct audit {
    struct audit_config cfg;
    struct audit_vault *vault;
    struct audit_signers *signers;
    struct audit_appender *appender;
    struct audit_watch *watch;
    pthread_mutex_t lock; /* guards the following members */
    pthread_cond_t grown;
    struct audit_seen seen;
    atomic_bool broken;
    struct ward_err why;
};

static struct audit *measured; /* log whose size the metric reports; set once */

static double size_now(void)
{
    return measured == NULL ? 0 : (double)audit_seen(measured).size;
}

static struct ward_family log_size = {
    .name = "ward_audit_log_size_events",
    .help = "Number of events in the log when this replica last read it.",
    .type = WARD_GAUGE,
    .read = size_now,
};
WARD_METRIC_LISTED(log_size)

struct audit_vault *audit_vault(struct audit *a)
{
    return a->vault;
}

struct audit_signers *audit_signers(struct audit *a)
{
    return a->signers;
}

struct audit_appender *audit_appender(struct audit *a)
{
    return a->appender;
}

const struct audit_config *audit_cfg(const struct audit *a)
{
    return &a->cfg;
}

struct audit_seen audit_seen(struct audit *a)
{
    struct audit_seen seen;

    pthread_mutex_lock(&a->lock);
    seen = a->seen;
    pthread_mutex_unlock(&a->lock);
    return seen;
}

void audit_saw(struct audit *a, uint64_t size, const struct ward_hash *root)
{
    pthread_mutex_lock(&a->lock);
    if (!a->seen.any || size > a->seen.size) {
        a->seen = (struct audit_seen){true, size, *root};
        pthread_cond_broadcast(&a->grown);
    }
    pthread_mutex_unlock(&a->lock);
}

uint64_t audit_wait(struct audit *a, uint64_t size, int64_t ms)
{
    int64_t until_ns = ward_mono_ns() + ms * WARD_NS_PER_MS;
    struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
    uint64_t now;

    pthread_mutex_lock(&a->lock);
    while (a->seen.size <= size)
        if (pthread_cond_timedwait(&a->grown, &a->lock, &until) != 0)
            break;
    now = a->seen.size;
    pthread_mutex_unlock(&a->lock);
    return now;
}

void audit_broke(struct audit *a, const struct ward_err *err)
{
    bool first;

    pthread_mutex_lock(&a->lock);
    first = !a->broken;
    if (first)
        a->why = *err;
    a->broken = true;
    pthread_mutex_unlock(&a->lock);
    if (first)
        ward_log_err(WARD_LOG_ERROR, "the log was changed; appending stops", err);
}

enum ward_code audit_sound(struct audit *a, struct ward_err *err)
{
    if (!atomic_load(&a->broken))
        return WARD_OK;
    pthread_mutex_lock(&a->lock);
    if (err != NULL)
        *err = a->why;
    pthread_mutex_unlock(&a->lock);
    return WARD_DATA_LOSS;
}

/* ---- heads ---- */

static enum ward_code spoiled(struct ward_err *err, const char *what)
{
    return WARD_FAIL_REASON(err, DATA_LOSS, "LOG_TAMPERED", "%s", what);
}

const struct audit_signer_row *audit_signer_of(struct audit *a, unsigned newest, uint64_t size)
{
    const struct audit_signer_row *row = signers_row(a->signers, newest);

    while (row != NULL && row->first_size > size)
        row = signers_row(a->signers, row->number - 1);
    return row;
}

static enum ward_code check_note(struct audit *a, const struct audit_head *h,
                                 struct ward_err *err)
{
    const struct audit_signer_row *row = audit_signer_of(a, h->signer, h->frontier.size);
    struct ward_checkpoint cp;
    struct ward_note note;

    if (row == NULL || ward_note_parse(h->note, h->note_len, &note, NULL) != WARD_OK ||
        ward_checkpoint_parse(&note, &cp, NULL) != WARD_OK ||
        ward_note_check(&note, &row->signer.vkey, NULL) != WARD_OK)
        return spoiled(err, "the stored head is not signed by the log's key");
    if (strcmp(cp.origin, a->cfg.origin) != 0 || cp.size != h->frontier.size ||
        !ward_hash_equal(&cp.root, &h->root))
        return spoiled(err, "the stored head differs from the signed head");
    return WARD_OK;
}

enum ward_code audit_head_take(struct audit *a, struct ward_db *db, struct ward_arena *mem,
                               const struct audit_seen *before, const struct audit_head *h,
                               struct ward_err *err)
{
    if (before->any && h->frontier.size < before->size)
        return spoiled(err, "the stored head is older than an earlier one");
    if (before->any && h->frontier.size == before->size &&
        !ward_hash_equal(&h->root, &before->root))
        return spoiled(err, "the stored head differs from an earlier one of the same size");
    if (h->signer > signers_newest(a->signers))
        WARD_TRY(signers_load(a->signers, a->vault, db, mem, err));
    if (!before->any || h->frontier.size > before->size)
        WARD_TRY(check_note(a, h, err));
    vault_epoch_is(a->vault, h->epoch);
    return WARD_OK;
}

/* ---- opening ---- */

static enum ward_code begin(struct ward_db *db, void *arg, struct ward_err *err)
{
    static const char SQL[] = "INSERT IGNORE INTO head (id, origin, size, root, frontier, "
                              "signer, content_epoch, note)"
                              " VALUES (1, ?, 0, ?, '', 0, 0, '')";
    struct audit *a = arg;
    struct ward_checkpoint cp = {0};
    struct audit_new_key key = {0};
    struct audit_head head;
    struct ward_arena mem;
    enum ward_code code;

    ward_arena_init(&mem, 256 << 10);
    ward_sha256("", 0, cp.root.b);
    code = ward_db_run(
        db, &mem, SQL,
        WARD_PARAMS(ward_text(a->cfg.origin), ward_blob(cp.root.b, sizeof(cp.root.b))), NULL,
        err);
    if (code == WARD_OK)
        code = head_read(db, &mem, true, &head, err);
    if (code == WARD_OK && head.signer == 0) { /* a new log: its first key and empty head */
        code = signers_make(a->signers, a->vault, &key, err);
        memcpy(cp.origin, head.origin, sizeof(cp.origin));
        if (code == WARD_OK)
            code = ward_checkpoint_sign(&cp, &key.signer, 1, head.note, &head.note_len, err);
        head.signer = 1;
        if (code == WARD_OK)
            code = signers_store(db, &mem, &key, 1, 0, "", 0, err);
        if (code == WARD_OK)
            code = head_write(db, &mem, &head, err);
        ward_sign_key_free((struct ward_sign_key *)(uintptr_t)key.signer.key);
    }
    ward_arena_done(&mem);
    return code;
}

/* The checks at a start: the head's signature, its root from the stored nodes, the number of
 * entries, and whether the log extends the anchor. */
static enum ward_code inspect(struct audit *a, struct ward_db *db, struct ward_arena *mem,
                              struct ward_err *err)
{
    const struct audit_seen nothing = {0};
    struct audit_reader r = {db, mem};
    const struct ward_tree tree = audit_tree(&r);
    struct audit_head head;
    struct ward_hash root;
    uint64_t stored;

    WARD_TRY(head_read(db, mem, false, &head, err));
    if (strcmp(head.origin, a->cfg.origin) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the stored log has another name: %s",
                         head.origin);
    WARD_TRY(audit_head_take(a, db, mem, &nothing, &head, err));
    WARD_TRY(entry_count(db, mem, &stored, err));
    if (stored <
        head.frontier.size) /* more entries: another replica appended in the meantime */
        return spoiled(err, "the log has fewer entries than its signed head");
    WARD_TRY(ward_tree_root(&tree, head.frontier.size, &root, err));
    if (!ward_hash_equal(&root, &head.root))
        return spoiled(err, "the stored tree does not match its signed head");
    WARD_TRY(anchor_check(a, db, mem, &head, err));
    audit_saw(a, head.frontier.size, &head.root);
    return WARD_OK;
}

static enum ward_code open_log(struct audit *a, struct ward_db *db, struct ward_arena *keep,
                               struct ward_err *err)
{
    struct ward_arena mem;
    enum ward_code code;

    WARD_TRY(vault_open(db, a->cfg.kek_file, keep, &a->vault, err));
    WARD_TRY(signers_open(keep, a->cfg.origin, &a->signers, err));
    WARD_TRY(ward_db_tx(db, begin, a, err));
    ward_arena_init(&mem, 4 << 20);
    code = inspect(a, db, &mem, err);
    ward_arena_done(&mem);
    return code;
}

enum ward_code audit_open(const struct audit_config *cfg, struct ward_arena *keep,
                          struct audit **out, struct ward_err *err)
{
    struct audit *a = ward_new(keep, struct audit);
    pthread_condattr_t attr;
    struct ward_db *db = NULL;
    enum ward_code code;

    if (a == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    a->cfg = *cfg;
    pthread_mutex_init(&a->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&a->grown, &attr);
    pthread_condattr_destroy(&attr);
    code = ward_db_open(cfg->db, &db, err);
    if (code == WARD_OK)
        code = open_log(a, db, keep, err);
    ward_db_close(db);
    if (code == WARD_OK)
        code = appender_start(a, &a->appender, keep, err);
    if (code == WARD_OK)
        code = watch_start(a, keep, &a->watch, err);
    if (code != WARD_OK) {
        audit_close(a);
        return code;
    }
    measured = a;
    *out = a;
    return WARD_OK;
}

void audit_close(struct audit *a)
{
    if (a == NULL)
        return;
    if (measured == a)
        measured = NULL;
    appender_stop(a->appender);
    watch_stop(a->watch);
    signers_close(a->signers);
    vault_close(a->vault);
    pthread_cond_destroy(&a->grown);
    pthread_mutex_destroy(&a->lock);
}
