#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/metrics.h"
#include "common/host/host.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct ward_canary {
    const char *name;
    int64_t period_ns;
    enum ward_code (*fn)(void *arg, struct ward_err *err);
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock; /* guards all members below */
    pthread_cond_t wake;
    bool stopping;
    int64_t next_ns;  /* time of the next check */
    int64_t asked_ns; /* time of the last answer */
    struct ward_err last;
};

static struct ward_family ok_gauge = {
    .name = "ward_host_canary_ok",
    .help = "1 while the known-answer check passes.",
    .type = WARD_GAUGE,
    .label = {"canary"},
};
static struct ward_family failures = {
    .name = "ward_host_canary_failures_total",
    .help = "Number of failed known-answer checks.",
    .type = WARD_COUNTER,
    .label = {"canary"},
};
WARD_METRIC_LISTED(ok_gauge)
WARD_METRIC_LISTED(failures)

/* Runs the check without the lock, so that reading the state never waits for an inference. */
static void ask(struct ward_canary *c)
{
    struct ward_err err = {0};
    enum ward_code before, code = c->fn(c->arg, &err);

    err.code = code;
    pthread_mutex_lock(&c->lock);
    before = c->last.code;
    c->last = err;
    c->asked_ns = ward_mono_ns();
    pthread_mutex_unlock(&c->lock);

    ward_metric_set(ward_series_of(&ok_gauge, c->name, NULL, NULL), code == WARD_OK);
    if (code != WARD_OK)
        ward_metric_add(ward_series_of(&failures, c->name, NULL, NULL), 1);
    if (code != WARD_OK && before == WARD_OK)
        ward_log_err(WARD_LOG_ERROR, "known-answer check fails", &err);
    else if (code == WARD_OK && before != WARD_OK)
        WARD_LOG(INFO, "known-answer check passes again", WARD_KV("canary", c->name));
}

static void *watch(void *arg)
{
    struct ward_canary *c = arg;
    struct timespec until;

    pthread_mutex_lock(&c->lock);
    while (!c->stopping) {
        if (ward_mono_ns() < c->next_ns) {
            until.tv_sec = (time_t)(c->next_ns / 1000000000);
            until.tv_nsec = (long)(c->next_ns % 1000000000);
            pthread_cond_timedwait(&c->wake, &c->lock, &until);
            continue;
        }
        c->next_ns = ward_mono_ns() + c->period_ns;
        pthread_mutex_unlock(&c->lock);
        ask(c);
        pthread_mutex_lock(&c->lock);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

enum ward_code ward_canary_start(const char *name, int period_ms,
                                 enum ward_code (*fn)(void *arg, struct ward_err *err),
                                 void *arg, struct ward_canary **out, struct ward_err *err)
{
    struct ward_canary *c = calloc(1, sizeof(*c));
    pthread_condattr_t attr;

    if (c == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a canary");
    c->name = name;
    c->period_ns = period_ms * WARD_NS_PER_MS;
    c->fn = fn;
    c->arg = arg;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->wake, &attr);
    pthread_condattr_destroy(&attr);
    c->next_ns = ward_mono_ns() + c->period_ns;
    ward_series_of(&failures, name, NULL, NULL); /* /metrics shows 0 before the first failure */
    *out = c; /* set before the first check, because fn may call ward_canary_soon */
    ask(c);
    if (pthread_create(&c->thread, NULL, watch, c) != 0) {
        pthread_cond_destroy(&c->wake);
        pthread_mutex_destroy(&c->lock);
        free(c);
        *out = NULL;
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot create a thread for a canary");
    }
    return WARD_OK;
}

void ward_canary_soon(struct ward_canary *c, int ms)
{
    int64_t at = ward_mono_ns() + ms * WARD_NS_PER_MS;

    pthread_mutex_lock(&c->lock);
    if (at < c->next_ns) {
        c->next_ns = at;
        pthread_cond_signal(&c->wake);
    }
    pthread_mutex_unlock(&c->lock);
}

enum ward_code ward_canary_state(struct ward_canary *c, struct ward_err *err)
{
    struct ward_err last;
    int64_t age_ns;

    pthread_mutex_lock(&c->lock);
    last = c->last;
    age_ns = ward_mono_ns() - c->asked_ns;
    pthread_mutex_unlock(&c->lock);
    if (last.code != WARD_OK) {
        bool away = strcmp(last.reason, "DEVICE_NOT_READY") ==
                    0; /* the device is missing, and gave no wrong answer */

        WARD_FAIL_REASON(err, UNAVAILABLE, away ? "DEVICE_NOT_READY" : "MODEL_NOT_READY",
                         "%s: %.120s", c->name, last.msg);
        ward_err_detail(err, "%s", last.detail);
        return WARD_UNAVAILABLE;
    }
    if (age_ns > 3 * c->period_ns + 10000 * WARD_NS_PER_MS)
        return WARD_FAIL_REASON(err, UNAVAILABLE, "MODEL_NOT_READY",
                                "%s: the known-answer check hangs", c->name);
    return WARD_OK;
}

void ward_canary_stop(struct ward_canary *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    free(c);
}
