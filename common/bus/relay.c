#include "common/bus/relay.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/log.h"
#include "common/base/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 2000
/* The relay waits between small batches, so that a slow stream of events does not cause one
 * commit for each event. The wait doubles after each wait in which more than one event arrived,
 * and starts again at the minimum after a wait in which no event arrived. */
#define LINGER_MIN_MS 15
#define LINGER_MAX_MS 120
#define MARK_EVERY_NS (1000 * WARD_NS_PER_MS) /* time between marks while events are sent */
#define LOOK_EVERY_NS (1000 * WARD_NS_PER_MS) /* time between measurements of the backlog */

static struct ward_family backlog_rows = {
    .name = "ward_outbox_backlog_rows",
    .help = "Number of audit events that audit has not acknowledged, including held events.",
    .type = WARD_GAUGE,
};
static struct ward_family oldest_seconds = {
    .name = "ward_outbox_oldest_seconds",
    .help = "Age of the oldest audit event that audit has not acknowledged.",
    .type = WARD_GAUGE,
};
static struct ward_family held_rows = {
    .name = "ward_outbox_held_rows",
    .help = "Number of audit events that audit refused and an operator must release. Alert on "
            "values above 0.",
    .type = WARD_GAUGE,
};
static struct ward_family audit_broken = {
    .name = "ward_outbox_audit_broken",
    .help =
        "1 while audit rejects events because its log was changed, otherwise 0. Alert on 1.",
    .type = WARD_GAUGE,
};
static struct ward_family restored = {
    .name = "ward_outbox_restored",
    .help = "1 while the database is older than the newest event that audit received from this "
            "service, otherwise 0. Alert on 1.",
    .type = WARD_GAUGE,
};
static struct ward_family sent = {
    .name = "ward_outbox_sent_total",
    .help = "Number of audit events that audit has acknowledged.",
    .type = WARD_COUNTER,
};
static struct ward_family failures = {
    .name = "ward_outbox_failures_total",
    .help =
        "Number of failed deliveries to audit, by code. The relay retries failed deliveries.",
    .type = WARD_COUNTER,
    .label = {"code"},
};
WARD_METRIC_LISTED(backlog_rows)
WARD_METRIC_LISTED(oldest_seconds)
WARD_METRIC_LISTED(held_rows)
WARD_METRIC_LISTED(audit_broken)
WARD_METRIC_LISTED(restored)
WARD_METRIC_LISTED(sent)
WARD_METRIC_LISTED(failures)

struct ward_relay {
    struct ward_relay_config cfg;
    struct ward_bus_client *to;
    void *wrk;
    bool has_wrk;
    pthread_t thread;
    pthread_cond_t changed;
    pthread_mutex_t lock; /* guards the next five members */
    bool started, woken, stopping, ended;
    int64_t stop_by_ns;
    /* used only by the thread */
    int batch, backoff_ms, linger_ms;
    enum ward_code state; /* result of the last attempt to deliver */
    int64_t looked_ns, marked_ns;
    bool marked; /* audit accepted a mark since the last failure */
    bool moved;  /* events were sent since the last mark */
    /* written by the thread, read by ward_relay_check */
    atomic_llong held;
    atomic_bool broken;
    /* audit's error about the age of this database; OK if the database is current; also guarded
     * by `lock` */
    struct ward_err older;
};

/* ---- waiting ---- */

static void until(int64_t at_ns, struct timespec *out)
{
    out->tv_sec = (time_t)(at_ns / 1000000000);
    out->tv_nsec = (long)(at_ns % 1000000000);
}

/* Waits for a wake-up (if `wakeable`), a stop, or `ms`. */
static void rest(struct ward_relay *r, int ms, bool wakeable)
{
    int64_t end_ns = ward_mono_ns() + ms * WARD_NS_PER_MS;
    struct timespec at;

    until(end_ns, &at);
    pthread_mutex_lock(&r->lock);
    while (!r->stopping && !(wakeable && r->woken) && ward_mono_ns() < end_ns)
        pthread_cond_timedwait(&r->changed, &r->lock, &at);
    if (wakeable)
        r->woken = false;
    pthread_mutex_unlock(&r->lock);
}

/* Returns the milliseconds available for a new delivery; 0 if the relay must end. */
static int allowance(struct ward_relay *r)
{
    int64_t ms = r->cfg.timeout_ms, left;

    pthread_mutex_lock(&r->lock);
    if (r->stopping) {
        left = ward_left_ms(r->stop_by_ns);
        ms = left < ms ? left : ms;
        if (r->state != WARD_OK) /* audit is unavailable; the rows are safe in the database */
            ms = 0;
    }
    pthread_mutex_unlock(&r->lock);
    return (int)ms;
}

/* ---- results ---- */

/* After these codes, the relay waits and repeats the batch: audit is unavailable or slow, or
 * its log is damaged, and audit then answers DATA_LOSS to every event. */
static const enum ward_code WAITS[] = {WARD_UNAVAILABLE, WARD_DEADLINE_EXCEEDED, WARD_CANCELLED,
                                       WARD_ABORTED, WARD_DATA_LOSS};

static void note(struct ward_relay *r, enum ward_code code, const struct ward_err *err)
{
    if (code != WARD_OK)
        ward_metric_add(ward_series_of(&failures, ward_code_name(code), NULL, NULL), 1);
    if (code != WARD_OK && code != r->state)
        ward_log_err(WARD_LOG_WARN, "audit events wait in the outbox", err);
    if (code == WARD_OK && r->state != WARD_OK)
        WARD_LOG(INFO, "audit accepts events again");
    if (code != WARD_OK) /* after a failure, the database may be a different database */
        r->marked = false;
    r->state = code;
    atomic_store(&r->broken, code == WARD_DATA_LOSS);
    ward_gauge(&audit_broken, code == WARD_DATA_LOSS);
}

static void look(struct ward_relay *r)
{
    int64_t now = ward_mono_ns(), rows = 0, held = 0;
    double age_s = 0;

    if (r->cfg.backlog == NULL || !r->has_wrk ||
        (r->looked_ns != 0 && now - r->looked_ns < LOOK_EVERY_NS))
        return;
    r->looked_ns = now;
    if (r->cfg.backlog(r->wrk, &rows, &held, &age_s, NULL) != WARD_OK)
        /* the gauges retain the old numbers; the database's check reports the failure */
        return;
    ward_gauge(&backlog_rows, (double)rows);
    ward_gauge(&held_rows, (double)held);
    atomic_store(&r->held, held);
    ward_gauge(&oldest_seconds, age_s);
}

static int longer(struct ward_relay *r)
{
    uint32_t dice;

    ward_random(&dice, sizeof(dice));
    r->backoff_ms *= 2;
    if (r->backoff_ms < BACKOFF_MIN_MS)
        r->backoff_ms = BACKOFF_MIN_MS;
    if (r->backoff_ms > BACKOFF_MAX_MS)
        r->backoff_ms = BACKOFF_MAX_MS;
    return r->backoff_ms / 2 + (int)(dice % (uint32_t)(r->backoff_ms / 2 + 1));
}

/* Returns whether audit refused a batch because of its content. The relay then halves the batch
 * until one event remains, and the outbox sets that event aside. */
static bool is_content(enum ward_code code)
{
    for (size_t i = 0; i < WARD_COUNT(WAITS); i++)
        if (code == WAITS[i])
            return false;
    return true;
}

static int linger(struct ward_relay *r, size_t n)
{
    if (n > 1)
        r->linger_ms *= 2;
    if (r->linger_ms < LINGER_MIN_MS)
        r->linger_ms = LINGER_MIN_MS;
    if (r->linger_ms > LINGER_MAX_MS)
        r->linger_ms = LINGER_MAX_MS;
    return r->linger_ms;
}

static void after(struct ward_relay *r, enum ward_code code, size_t n)
{
    if (code == WARD_OK) {
        r->backoff_ms = 0;
        r->batch = r->batch * 2 < r->cfg.batch ? r->batch * 2 : r->cfg.batch;
        ward_count(&sent, (double)n);
        r->moved = r->moved || n > 0;
        if (n == 0) {
            r->linger_ms = 0;
            rest(r, r->cfg.poll_ms, true);
        } else if (n < (size_t)r->cfg.batch / 4) {
            rest(r, linger(r, n), false);
        }
    } else if (is_content(code) && r->batch > 1) {
        r->batch /= 2;
    } else {
        rest(r, longer(r), false);
    }
}

/* Reports the database's progress to audit. After DATABASE_RESTORED, every step repeats the
 * report, because an operator may have accepted the database. An audit version without marks
 * answers INVALID_ARGUMENT, which counts as success. */
static enum ward_code mark(struct ward_relay *r, int timeout_ms, struct ward_err *err)
{
    struct ward_err said = {0};
    enum ward_code code;
    bool older;

    if (r->cfg.mark == NULL ||
        (r->marked && !(r->moved && ward_mono_ns() - r->marked_ns >= MARK_EVERY_NS)))
        return WARD_OK;
    r->marked_ns = ward_mono_ns();
    code = r->cfg.mark(r->wrk, r->to, timeout_ms, &said);
    if (code == WARD_INVALID_ARGUMENT)
        code = WARD_OK;
    older = code == WARD_FAILED_PRECONDITION && strcmp(said.reason, "DATABASE_RESTORED") == 0;
    r->marked = code == WARD_OK;
    r->moved = false;
    if (code == WARD_OK || older) {
        pthread_mutex_lock(&r->lock);
        r->older = older ? said : (struct ward_err){0};
        pthread_mutex_unlock(&r->lock);
        ward_gauge(&restored, older);
    }
    if (older) /* no single event is wrong, so all events wait */
        return WARD_FAIL(err, UNAVAILABLE, "%s", said.msg);
    if (code != WARD_OK)
        *err = said;
    return code;
}

static enum ward_code step(struct ward_relay *r, int timeout_ms, size_t *n,
                           struct ward_err *err)
{
    if (!r->has_wrk) {
        WARD_TRY(r->cfg.open(r->cfg.svc, &r->wrk, err));
        r->has_wrk = true;
    }
    look(r);
    WARD_TRY(mark(r, timeout_ms, err));
    return r->cfg.drain(r->wrk, (size_t)r->batch, r->to, timeout_ms, n, err);
}

static void *run(void *arg)
{
    struct ward_relay *r = arg;

    for (;;) {
        struct ward_err err = {0};
        int timeout_ms = allowance(r);
        enum ward_code code;
        bool stopping;
        size_t n = 0;

        if (timeout_ms == 0)
            break;
        code = step(r, timeout_ms, &n, &err);
        note(r, code, &err);
        pthread_mutex_lock(&r->lock);
        stopping = r->stopping;
        pthread_mutex_unlock(&r->lock);
        if (stopping && code == WARD_OK && n == 0)
            break;
        after(r, code, n);
    }
    if (r->has_wrk && r->cfg.close != NULL)
        r->cfg.close(r->wrk);
    pthread_mutex_lock(&r->lock);
    r->ended = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* ---- public ---- */

enum ward_code ward_relay_start(const struct ward_relay_config *cfg, struct ward_relay **out,
                                struct ward_err *err)
{
    struct ward_relay *r = calloc(1, sizeof(*r));
    pthread_condattr_t attr;
    enum ward_code code;

    if (r == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->changed, &attr);
    pthread_condattr_destroy(&attr);
    for (size_t i = 0; i < WARD_COUNT(WAITS); i++) /* /metrics shows 0 before the first one */
        ward_series_of(&failures, ward_code_name(WAITS[i]), NULL, NULL);
    r->cfg = *cfg;
    r->cfg.poll_ms = cfg->poll_ms > 0 ? cfg->poll_ms : 200;
    r->cfg.timeout_ms = cfg->timeout_ms > 0 ? cfg->timeout_ms : 10000;
    r->cfg.batch = cfg->batch > 0 ? cfg->batch : 1000;
    if (r->cfg.batch > WARD_BUS_MAX_ITEMS)
        r->cfg.batch = WARD_BUS_MAX_ITEMS;
    r->batch = r->cfg.batch;
    code = ward_bus_dial(cfg->url, &cfg->tls, &r->to, err);
    if (code == WARD_OK && pthread_create(&r->thread, NULL, run, r) != 0)
        code = WARD_FAIL(err, RESOURCE_EXHAUSTED, "no thread");
    r->started = code == WARD_OK;
    if (code != WARD_OK)
        ward_relay_stop(r, 0);
    else
        *out = r;
    return code;
}

void ward_relay_wake(struct ward_relay *r)
{
    pthread_mutex_lock(&r->lock);
    if (!r->woken) /* one signal wakes the thread; each commit need not signal */
        pthread_cond_signal(&r->changed);
    r->woken = true;
    pthread_mutex_unlock(&r->lock);
}

enum ward_code ward_relay_check(struct ward_relay *r, struct ward_err *err)
{
    long long held = atomic_load(&r->held);

    if (atomic_load(&r->broken))
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "audit rejects events because its log was changed");
    if (held > 0)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "audit refused %lld events; see them with --outbox list", held);
    return WARD_OK;
}

enum ward_code ward_relay_age(struct ward_relay *r, struct ward_err *err)
{
    struct ward_err older;

    pthread_mutex_lock(&r->lock);
    older = r->older;
    pthread_mutex_unlock(&r->lock);
    if (older.code == WARD_OK)
        return WARD_OK;
    if (err != NULL)
        *err = older;
    return older.code;
}

/* Asks the thread to end, waits for the grace time, then interrupts a delivery in progress. The
 * rows of an interrupted delivery stay in the outbox and are sent after the next start. */
static void end(struct ward_relay *r, int grace_ms)
{
    struct timespec at;

    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    r->stop_by_ns = ward_mono_ns() + grace_ms * WARD_NS_PER_MS;
    pthread_cond_broadcast(&r->changed);
    until(r->stop_by_ns, &at);
    while (!r->ended && ward_mono_ns() < r->stop_by_ns)
        pthread_cond_timedwait(&r->changed, &r->lock, &at);
    while (!r->ended) {
        ward_bus_interrupt(r->to);
        until(ward_mono_ns() + 20 * WARD_NS_PER_MS, &at);
        pthread_cond_timedwait(&r->changed, &r->lock, &at);
    }
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
}

void ward_relay_stop(struct ward_relay *r, int grace_ms)
{
    if (r == NULL)
        return;
    if (r->started)
        end(r, grace_ms);
    ward_bus_hangup(r->to);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
