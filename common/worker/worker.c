#include "common/worker/worker.h"

#include "common/base/clock.h"
#include "common/worker/own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

enum ward_code worker_lost(struct ward_worker *w, struct ward_err *err)
{
    char how[sizeof(w->how)];

    pthread_mutex_lock(&w->lock);
    memcpy(how, w->how, sizeof(how));
    pthread_mutex_unlock(&w->lock);
    WARD_FAIL_REASON(err, UNAVAILABLE, "WORKER_LOST", "the worker process of %.40s ended: %s",
                     w->name, *how == '\0' ? "the process ends" : how);
    if (err != NULL)
        err->retry_after_ms = 1000;
    return WARD_UNAVAILABLE;
}

/* ---- requests ---- */

/* Waits until `done` is true or the process has ended, at most `ms`. Lock held. Returns the
 * last value of `done`. */
static bool wait_until(struct ward_worker *w, bool (*done)(const struct ward_worker *w), int ms)
{
    int64_t at = ward_mono_ns() + ms * WARD_NS_PER_MS;
    struct timespec until = {at / 1000000000, at % 1000000000};
    int rc = 0;

    while (!done(w) && !atomic_load(&w->dead) && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&w->changed, &w->lock, &until);
    return done(w);
}

static bool has_replied(const struct ward_worker *w)
{
    return w->replied;
}

static bool is_dead(const struct ward_worker *w)
{
    return atomic_load(&w->dead);
}

enum ward_code worker_exchange(struct ward_worker *w, const struct channel_head *head,
                               const void *body, size_t n, int passed, struct ward_err *err)
{
    struct channel_head named = *head;
    bool replied;

    pthread_mutex_lock(&w->lock);
    named.n = ++w->asks;
    w->replied = false;
    w->expecting = true;
    pthread_mutex_unlock(&w->lock);
    replied = !atomic_load(&w->dead) && channel_send(w->fd, &named, body, n, passed, 0);
    pthread_mutex_lock(&w->lock);
    replied = replied && wait_until(w, has_replied, w->cfg.ask_ms);
    if (!replied && !atomic_load(&w->dead)) {
        pthread_mutex_unlock(&w->lock);
        worker_end(w, ENDED_HANG);
        pthread_mutex_lock(&w->lock);
        (void)wait_until(w, is_dead, w->cfg.ask_ms);
    }
    w->expecting = false;
    pthread_mutex_unlock(&w->lock);
    return replied ? WARD_OK : worker_lost(w, err);
}

enum ward_code ward_worker_ask(struct ward_worker *w, struct ward_worker_ask *ask,
                               struct ward_err *err)
{
    const struct channel_head head = {.kind = SAID_ASK, .at = ask->op};
    enum ward_code code;

    if (ask->n_in > WARD_WORKER_ARGS)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "a request to a worker is too large");
    pthread_mutex_lock(&w->asking);
    code = worker_exchange(w, &head, ask->in, ask->n_in, ask->fd, err);
    if (code == WARD_OK)
        code = failure_get(&w->reply.head.failure, err);
    if (code == WARD_OK && w->reply_n > ask->n_out)
        code = WARD_FAIL(err, INTERNAL, "a worker's reply is too large");
    if (code == WARD_OK) {
        memcpy(ask->out, w->reply.body, w->reply_n);
        ask->n_out = w->reply_n;
    }
    pthread_mutex_unlock(&w->asking);
    return code;
}

/* ---- life ---- */

static bool is_started(const struct ward_worker *w)
{
    return w->is_up || w->up_failure.code != WARD_OK;
}

static void defaults(struct ward_worker_config *c)
{
    c->slot_bytes = c->slot_bytes == 0 ? (size_t)256 << 20 : c->slot_bytes;
    c->start_ms = c->start_ms <= 0 ? 60000 : c->start_ms;
    c->ask_ms = c->ask_ms <= 0 ? 120000 : c->ask_ms;
    c->run_ms = c->run_ms <= 0 ? 30000 : c->run_ms;
    c->grace_ms = c->grace_ms <= 0 ? 1000 : c->grace_ms;
    c->beat_ms = c->beat_ms <= 0 ? 1000 : c->beat_ms;
}

static struct ward_worker *new_worker(const struct ward_worker_config *cfg)
{
    struct ward_worker *w = calloc(1, sizeof(*w));
    pthread_condattr_t attr;

    if (w == NULL)
        return NULL;
    w->cfg = *cfg;
    defaults(&w->cfg);
    snprintf(w->name, sizeof(w->name), "%s", cfg->name);
    if (cfg->n_args > 0)
        memcpy(w->args, cfg->args, cfg->n_args);
    w->fd = -1;
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&w->asking, NULL);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attr);
    pthread_condattr_destroy(&attr);
    return w;
}

static enum ward_code started(struct ward_worker *w, struct ward_err *err)
{
    enum ward_code code = WARD_OK;

    pthread_mutex_lock(&w->lock);
    if (!wait_until(w, is_started, w->cfg.start_ms) && !atomic_load(&w->dead)) {
        pthread_mutex_unlock(&w->lock);
        worker_end(w, ENDED_HANG);
        pthread_mutex_lock(&w->lock);
        (void)wait_until(w, is_dead, w->cfg.start_ms);
    }
    code = failure_get(&w->up_failure, err);
    pthread_mutex_unlock(&w->lock);
    if (code == WARD_OK && !w->is_up)
        return worker_lost(w, err);
    return code;
}

enum ward_code ward_worker_start(const struct ward_worker_config *cfg, struct ward_worker **out,
                                 struct ward_err *err)
{
    struct ward_worker *w;
    enum ward_code code;

    if (cfg->n_args > WARD_WORKER_ARGS)
        return WARD_FAIL(err, INVALID_ARGUMENT, "too many arguments for a worker process");
    w = new_worker(cfg);
    if (w == NULL || w->wake < 0 || pthread_create(&w->watcher, NULL, worker_watch, w) != 0) {
        ward_worker_close(w);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no thread for a worker process");
    }
    w->watched = true;
    code = started(w, err);
    if (code != WARD_OK)
        ward_worker_close(w);
    else
        *out = w;
    return code;
}

void ward_worker_close(struct ward_worker *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_mutex_unlock(&w->lock);
    worker_wake(w);
    if (w->watched)
        pthread_join(w->watcher, NULL);
    if (w->fd >= 0)
        close(w->fd);
    if (w->wake >= 0)
        close(w->wake);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    pthread_mutex_destroy(&w->asking);
    free(w);
}

enum ward_code ward_worker_state(struct ward_worker *w, struct ward_err *err)
{
    return atomic_load(&w->dead) ? worker_lost(w, err) : WARD_OK;
}

void ward_worker_settled(struct ward_worker *w)
{
    struct usage u;

    /* Read now: calls until the next weighing may leak, and a leak is no usual memory. */
    if (!usage_of(ward_worker_pid(w), &u))
        return;
    pthread_mutex_lock(&w->lock);
    w->settled_bytes = u.resident_bytes;
    pthread_mutex_unlock(&w->lock);
}

void ward_worker_kill(struct ward_worker *w)
{
    worker_end(w, ENDED_KILLED);
}

int ward_worker_pid(const struct ward_worker *w)
{
    return w->shown_pid;
}

/* ---- files ---- */

int worker_memfd(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL) /* MFD_NOEXEC_SEAL is unknown before Linux 6.3 */
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd;
}

static bool write_all(int fd, const unsigned char *p, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(fd, p, n);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        p += wrote;
        n -= (size_t)wrote;
    }
    return true;
}

enum ward_code ward_worker_file(const void *bytes, size_t n, int *fd, struct ward_err *err)
{
    int f = worker_memfd("ward-file");

    if (f < 0 || !write_all(f, bytes, n) ||
        fcntl(f, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
        if (f >= 0)
            close(f);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a worker's file");
    }
    *fd = f;
    return WARD_OK;
}
