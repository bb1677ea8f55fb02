/* The watching thread of a worker: starts the child, reads its messages, supervises it and
 * reaps it. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/worker/own.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Number of missing heartbeats that ends the process. */
#define BEATS      5
#define WINDOW_NS  (10000 * WARD_NS_PER_MS) /* window in which CPU time is counted */
#define SLACK_S    2.0                      /* permitted CPU time in a window without calls */
#define TELL_NS    (5000 * WARD_NS_PER_MS)  /* minimum time between two reports of growth */
#define CLOSING_MS 1000

static struct ward_family up_gauge = {
    .name = "ward_worker_up",
    .help = "1 while the worker process runs.",
    .type = WARD_GAUGE,
    .label = {"worker"},
};
static struct ward_family starts = {
    .name = "ward_worker_starts_total",
    .help = "Number of starts of the worker process.",
    .type = WARD_COUNTER,
    .label = {"worker"},
};
static struct ward_family ends = {
    .name = "ward_worker_ends_total",
    .help =
        "Number of times that the worker process ended, by cause: a signal's name, exit, hang "
        "(a call took too long), mute (no heartbeat), memory, protocol, killed, closed.",
    .type = WARD_COUNTER,
    .label = {"worker", "cause"},
};
static struct ward_family resident = {
    .name = "ward_worker_resident_bytes",
    .help = "Resident memory of the worker process.",
    .type = WARD_GAUGE,
    .label = {"worker"},
};
struct ward_family *const ward_worker_metrics[] = {&up_gauge, &starts,          &ends,
                                                   &resident, &worker_poisoned, NULL};

/* ---- ends ---- */

void worker_wake(struct ward_worker *w)
{
    const uint64_t one = 1;

    if (write(w->wake, &one, sizeof(one)) < 0)
        return; /* the counter is full, so the thread wakes anyway */
}

void worker_end(struct ward_worker *w, enum ended why)
{
    pthread_mutex_lock(&w->lock);
    if (w->ended == ENDED_NOT)
        w->ended = why;
    if (w->pid > 0)
        kill(w->pid, SIGKILL);
    pthread_mutex_unlock(&w->lock);
    worker_wake(w);
}

/* Labels of the metric, and texts for people. A process that ended itself by a signal has the
 * signal's name instead. */
static const struct {
    const char *label, *how;
} CAUSES[] = {
    [ENDED_ITSELF] = {"exit", ""},
    [ENDED_HANG] = {"hang", "the process did not answer in time"},
    [ENDED_MUTE] = {"mute", "the heartbeat stopped"},
    [ENDED_GROWN] = {"memory", "the process used more memory than its limit"},
    [ENDED_ODD] = {"protocol", "the process broke the protocol"},
    [ENDED_KILLED] = {"killed", "the process was killed"},
    [ENDED_CLOSED] = {"closed", "the process was closed"},
};

#define CAUSE 16 /* size of a label */

/* Returns false if the signal has no name. */
static bool signal_label(int signal, char out[CAUSE])
{
    const char *name = sigabbrev_np(signal);

    if (name != NULL)
        snprintf(out, CAUSE, "SIG%s", name);
    return name != NULL;
}

/* Writes the label of the metric, "SIGSEGV", "exit" or "hang", and a text for people. */
static void cause_of(const struct ward_worker *w, char label[CAUSE], char *how, size_t n)
{
    const int signal = WIFSIGNALED(w->status) ? WTERMSIG(w->status) : 0;
    const bool itself = w->ended == ENDED_ITSELF;

    snprintf(label, CAUSE, "%s", CAUSES[w->ended].label);
    snprintf(how, n, "%s", CAUSES[w->ended].how);
    if (itself && signal == SIGKILL && usage_oom_kills() > w->oom_kills) {
        snprintf(label, CAUSE, "%s", CAUSES[ENDED_GROWN].label);
        snprintf(how, n, "the kernel killed the process for lack of memory");
    } else if (itself && signal > 0 && signal_label(signal, label)) {
        snprintf(how, n, "signal %d (%s)", signal, label);
    } else if (itself) {
        snprintf(how, n, "exit status %d", WIFEXITED(w->status) ? WEXITSTATUS(w->status) : -1);
    }
}

/* Creates the series of the worker, so that /metrics shows 0 before the first end. */
static void ends_from_zero(const struct ward_worker *w)
{
    static const int crashes[] = {CRASHES};
    char label[CAUSE];

    for (size_t i = ENDED_ITSELF; i < WARD_COUNT(CAUSES); i++)
        ward_series_of(&ends, w->name, CAUSES[i].label, NULL);
    for (size_t i = 0; i < WARD_COUNT(crashes); i++)
        if (signal_label(crashes[i], label))
            ward_series_of(&ends, w->name, label, NULL);
}

/* Selects the calls to blame: those whose thread crashed, or otherwise all running calls. A
 * call that exceeded its time limit was already blamed. Lock held. */
static void blame(struct ward_worker *w)
{
    bool known = false;

    if (w->ended != ENDED_ITSELF && w->ended != ENDED_GROWN)
        return;
    for (int i = 0; i < WARD_WORKER_SLOTS; i++)
        known |= w->slot[i] != NULL && atomic_load(&w->slot[i]->calling) &&
                 atomic_load(&w->slot[i]->head->crashed) != 0;
    for (int i = 0; i < WARD_WORKER_SLOTS; i++) {
        struct ward_worker_slot *s = w->slot[i];

        if (s != NULL && atomic_load(&s->calling))
            atomic_store(&s->blamed, !known || atomic_load(&s->head->crashed) != 0);
    }
}

/* Reaps the process, records the cause, and wakes all callers. */
static void bury(struct ward_worker *w)
{
    char cause[CAUSE], how[sizeof(w->how)];
    bool told;

    if (w->pid > 0)
        while (waitpid(w->pid, &w->status, 0) < 0 && errno == EINTR)
            continue;
    pthread_mutex_lock(&w->lock);
    w->pid = 0;
    if (w->ended == ENDED_NOT)
        w->ended = w->closing ? ENDED_CLOSED : ENDED_ITSELF;
    cause_of(w, cause, how, sizeof(how));
    memcpy(w->how, how, sizeof(how));
    told = !w->closing && w->is_up;
    atomic_store(&w->dead, true);
    blame(w);
    for (int i = 0; i < WARD_WORKER_SLOTS; i++)
        if (w->slot[i] != NULL) {
            /* A caller that is about to wait must not wait. */
            atomic_store(&w->slot[i]->head->turn, TURN_IDLE);
            futex_wake(&w->slot[i]->head->turn);
        }
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    ward_metric_set(w->up, 0);
    ward_metric_set(w->resident, 0);
    ward_metric_add(ward_series_of(&ends, w->name, cause, NULL), 1);
    if (w->ended != ENDED_CLOSED)
        WARD_LOG(WARN, "a worker process ended", WARD_KV("worker", w->name),
                 WARD_KV("how", how));
    if (told && w->cfg.news != NULL)
        w->cfg.news(w->cfg.arg, WARD_WORKER_ENDED, how, 0);
}

/* ---- messages from the child ---- */

static void take_up(struct ward_worker *w, const struct channel_msg *m)
{
    pthread_mutex_lock(&w->lock);
    w->is_up = m->head.failure.code == WARD_OK;
    w->up_failure = m->head.failure;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    if (w->is_up)
        ward_metric_set(w->up, 1);
}

static void take_reply(struct ward_worker *w, const struct channel_msg *m, size_t n)
{
    pthread_mutex_lock(&w->lock);
    if (w->expecting && m->head.n == w->asks) {
        memcpy(&w->reply, m, sizeof(m->head) + n);
        w->reply_n = n;
        w->replied = true;
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
}

static void take_log(const struct ward_worker *w, const struct channel_msg *m, size_t n)
{
    char text[512];
    enum ward_level level =
        m->head.at <= WARD_LOG_DEBUG ? (enum ward_level)m->head.at : WARD_LOG_DEBUG;
    struct ward_field fields[] = {WARD_KV("worker", w->name), WARD_KV("said", text)};

    snprintf(text, sizeof(text), "%.*s", (int)(n < sizeof(text) ? n : sizeof(text) - 1),
             (const char *)m->body);
    ward_log_write(level, __FILE__, __LINE__, "worker process", fields, 2);
}

static void take_count(struct ward_worker *w, const struct channel_msg *m, size_t n)
{
    char name[64];
    double value;

    if (n == 0 || n >= sizeof(name) || w->cfg.news == NULL)
        return;
    memcpy(name, m->body, n);
    name[n] = '\0';
    memcpy(&value, &m->head.n, sizeof(value));
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == n && value >= 0)
        w->cfg.news(w->cfg.arg, WARD_WORKER_COUNT, name, value);
}

/* Reads one message. Returns false if the channel failed or the child has closed it. */
static bool hear(struct ward_worker *w)
{
    struct channel_msg *m = &w->heard;
    size_t n = 0;

    if (!channel_recv(w->fd, m, &n, NULL, MSG_DONTWAIT))
        return errno == EAGAIN;
    switch (m->head.kind) {
    case SAID_UP:
        take_up(w, m);
        return true;
    case SAID_PONG:
        w->pongs = m->head.n <= w->pings ? m->head.n : w->pongs;
        return true;
    case SAID_DONE:
    case SAID_SLOT_OK:
        take_reply(w, m, n);
        return true;
    case SAID_LOG:
        take_log(w, m, n);
        return true;
    case SAID_COUNT:
        take_count(w, m, n);
        return true;
    default:
        worker_end(w, ENDED_ODD);
        return false;
    }
}

/* ---- periodic checks ---- */

/* Sends a heartbeat. The child's main thread answers heartbeats, except during a request, which
 * has its own time limit. Missing answers are counted in checks and not in time, so that a
 * pause of the whole machine ends no process. */
static void beat(struct ward_worker *w)
{
    const struct channel_head ping = {.kind = SAID_PING, .n = w->pings + 1};
    bool expecting;

    pthread_mutex_lock(&w->lock);
    expecting = w->expecting || !w->is_up;
    pthread_mutex_unlock(&w->lock);
    if (expecting || w->pongs == w->pings)
        w->missed = 0;
    else if (++w->missed >= BEATS)
        worker_end(w, ENDED_MUTE);
    if (w->missed == 0 && !expecting && channel_send(w->fd, &ping, NULL, 0, -1, MSG_DONTWAIT))
        w->pings++;
}

static void tell_grown(struct ward_worker *w, int64_t now, const char *why)
{
    if (w->told_ns != 0 && now - w->told_ns < TELL_NS)
        return;
    w->told_ns = now;
    WARD_LOG(WARN, "a worker process uses too much memory and is replaced",
             WARD_KV("worker", w->name), WARD_KV("why", why),
             WARD_KN("resident_bytes", (double)w->resident_bytes));
    if (w->cfg.news != NULL)
        w->cfg.news(w->cfg.arg, WARD_WORKER_GROWN, why, 0);
}

/* Detects CPU time without calls, which means that threads spin. */
static void weigh_cpu(struct ward_worker *w, const struct usage *u, int64_t now)
{
    double busy_s = (double)atomic_load(&w->busy_ns) / 1e9;

    if (atomic_load(&w->calls) > 0 || w->window_ns == 0 || w->told_ns != 0) {
        w->window_ns = now;
        w->window_cpu_s = u->cpu_s;
        w->window_busy_s = busy_s;
        return;
    }
    if (now - w->window_ns < WINDOW_NS)
        return;
    if (u->cpu_s - w->window_cpu_s > busy_s - w->window_busy_s + SLACK_S)
        tell_grown(w, now, "the process uses the CPU without a call");
    w->window_ns = 0;
}

static void weigh(struct ward_worker *w, int64_t now)
{
    struct usage u;
    size_t usual;

    if (!usage_of(w->shown_pid, &u))
        return;
    w->resident_bytes = u.resident_bytes;
    ward_metric_set(w->resident, (double)u.resident_bytes);
    pthread_mutex_lock(&w->lock);
    usual = w->settled_bytes;
    w->settled_bytes = 0;
    pthread_mutex_unlock(&w->lock);
    if (w->budget_bytes > 0 && usual + usual / 4 > w->budget_bytes) {
        w->budget_bytes = usual + usual / 4;
        WARD_LOG(WARN, "a worker process needs more memory than its budget",
                 WARD_KV("worker", w->name), WARD_KN("resident_bytes", (double)usual));
    }
    if (w->cfg.most_bytes > 0 && u.resident_bytes > w->cfg.most_bytes)
        worker_end(w, ENDED_GROWN);
    else if (w->budget_bytes > 0 && u.resident_bytes > w->budget_bytes)
        tell_grown(w, now, "memory");
    weigh_cpu(w, &u, now);
}

/* ---- the loop ---- */

static enum ward_code begin(struct ward_worker *w, struct ward_err *err)
{
    unsigned char body[sizeof(struct start) + WARD_WORKER_ARGS];
    const struct start start = {w->cfg.most_bytes, (uint32_t)ward_log_level_now()};
    const struct channel_head head = {.kind = SAID_START};
    pid_t pid;
    int fd;

    w->oom_kills = usage_oom_kills();
    WARD_TRY(worker_spawn(w, &pid, &fd, err));
    memcpy(body, &start, sizeof(start));
    memcpy(body + sizeof(start), w->args, w->cfg.n_args);
    pthread_mutex_lock(&w->lock);
    w->pid = w->shown_pid = pid;
    w->fd = fd;
    pthread_mutex_unlock(&w->lock);
    ward_metric_add(ward_series_of(&starts, w->name, NULL, NULL), 1);
    if (!channel_send(fd, &head, body, sizeof(start) + w->cfg.n_args, -1, 0))
        worker_end(w, ENDED_ITSELF);
    return WARD_OK;
}

/* Closes the channel, so that the child exits, and kills the child after CLOSING_MS. */
static void close_down(struct ward_worker *w)
{
    struct pollfd p = {.fd = w->fd, .events = POLLIN};
    int64_t until = ward_mono_ns() + CLOSING_MS * WARD_NS_PER_MS;

    shutdown(w->fd, SHUT_WR);
    while (ward_left_ms(until) > 0 && atomic_load(&w->calls) == 0) {
        if (poll(&p, 1, (int)ward_left_ms(until)) > 0 && !hear(w))
            break;
    }
    worker_end(w, ENDED_CLOSED);
}

static void turn(struct ward_worker *w)
{
    const int64_t every = w->cfg.beat_ms * WARD_NS_PER_MS;
    int64_t next = ward_mono_ns() + every;
    bool going = true, closing = false;

    while (going) {
        struct pollfd p[2] = {{.fd = w->fd, .events = POLLIN},
                              {.fd = w->wake, .events = POLLIN}};
        uint64_t drained;
        int64_t now;

        if (poll(p, 2, (int)ward_left_ms(next)) < 0 && errno != EINTR)
            break;
        if (p[1].revents != 0 && read(w->wake, &drained, sizeof(drained)) < 0)
            errno = 0;
        if (p[0].revents != 0)
            going = hear(w);
        pthread_mutex_lock(&w->lock);
        closing = w->closing;
        pthread_mutex_unlock(&w->lock);
        if (closing)
            break;
        now = ward_mono_ns();
        if (now >= next) {
            beat(w);
            weigh(w, now);
            next = now + every;
        }
    }
    if (closing && going)
        close_down(w);
    else
        worker_end(w, going ? ENDED_ODD : ENDED_ITSELF);
}

void *worker_watch(void *arg)
{
    struct ward_worker *w = arg;
    struct ward_err err = {0};
    enum ward_code code;

    w->up = ward_series_of(&up_gauge, w->name, NULL, NULL);
    w->resident = ward_series_of(&resident, w->name, NULL, NULL);
    ends_from_zero(w);
    w->budget_bytes = w->cfg.budget_bytes;
    code = begin(w, &err);
    if (code == WARD_OK) {
        turn(w);
        bury(w);
        return NULL;
    }
    pthread_mutex_lock(&w->lock);
    failure_put(&w->up_failure, code, &err);
    snprintf(w->how, sizeof(w->how), "%.95s", err.msg);
    w->ended = ENDED_ITSELF;
    atomic_store(&w->dead, true);
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}
