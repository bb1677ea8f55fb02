#include "common/rpc/server.h"

#include "common/base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Ends a process that runs without serving. Two faults of gRPC's core have this effect. Core
 * stops accepting after file descriptors have run out (CVE-2023-4785). A peer that opens and
 * resets streams fast enough makes core use unlimited memory (CVE-2023-44487). In any
 * transport, a thread may hang. The watchdog checks that the process makes progress. A probe
 * connects to the server's own listener and sends nothing; a live server answers or closes the
 * connection. A server that answers calls but no probes is busy and not dead. A restart would
 * turn its overload into an outage. */

#define PERIOD_MS 1000
#define ANSWER_MS 1000  /* a live server answers within microseconds */
#define STRIKES   2     /* number of consecutive failed probes */
#define RSS_MS    100   /* time between two readings of the resident memory */
#define STUCK_MS  10000 /* a transport with `turns` makes progress at least once a second */

enum verdict { ALIVE, DEAD, UNSURE, BUSY, REFUSED };

struct watchdog {
    struct ward_rpc *rpc;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stop_asked;
    bool stop;
    uint64_t progress; /* value at the last probe */
    int64_t moved_ns;  /* time of the last progress */
    struct sockaddr_storage addr;
    socklen_t addr_len;
};

static struct ward_family rss_family = {
    .name = "ward_rpc_watchdog_rss_bytes",
    .help = "Resident memory at the last check of the watchdog, in bytes.",
    .type = WARD_GAUGE};
static struct ward_family probes = {
    .name = "ward_rpc_watchdog_probes_total",
    .help = "Number of connections that the watchdog made to its own server. The verdict busy "
            "means that a connection got no answer while the server answered calls.",
    .type = WARD_COUNTER,
    .label = {"verdict"}};
WARD_METRIC_LISTED(rss_family)
WARD_METRIC_LISTED(probes)

/* Finds the address at which this process can reach its own listener. */
static bool address(struct watchdog *w)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&w->addr;
    struct sockaddr_in *in = (struct sockaddr_in *)&w->addr;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&w->addr;
    const char *listen = w->rpc->cfg.listen;
    char host[64];
    size_t n;

    if (strncmp(listen, "unix:", 5) == 0) {
        listen += strncmp(listen, "unix://", 7) == 0 ? 7 : 5;
        un->sun_family = AF_UNIX;
        w->addr_len = sizeof(*un);
        return snprintf(un->sun_path, sizeof(un->sun_path), "%s", listen) <
               (int)sizeof(un->sun_path);
    }
    if (*listen == '[') {
        n = strcspn(++listen, "]");
    } else {
        n = strcspn(listen, ":");
    }
    if (n >= sizeof(host))
        return false;
    memcpy(host, listen, n);
    host[n] = '\0';
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)w->rpc->port);
    w->addr_len = sizeof(*in);
    if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "localhost") == 0)
        snprintf(host, sizeof(host), "127.0.0.1");
    if (inet_pton(AF_INET, host, &in->sin_addr) == 1)
        return true;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons((uint16_t)w->rpc->port);
    w->addr_len = sizeof(*in6);
    return inet_pton(AF_INET6, strcmp(host, "::") == 0 ? "::1" : host, &in6->sin6_addr) == 1;
}

/* Waits for `events` on fd. UNSURE if this thread itself was not scheduled: on an overloaded
 * machine, a missing answer proves nothing. */
static enum verdict await(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    int64_t began = ward_mono_ns();
    int n = poll(&p, 1, ANSWER_MS);
    int64_t took_ms = (ward_mono_ns() - began) / WARD_NS_PER_MS;

    if (n > 0)
        return ALIVE;
    return n < 0 || took_ms > ANSWER_MS + ANSWER_MS / 2 ? UNSURE : DEAD;
}

/* After a refused connection, the socket is readable and writable too. */
static bool refused(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == ECONNREFUSED;
}

static enum verdict probe(const struct watchdog *w)
{
    int fd = socket(w->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    enum verdict v = ALIVE;

    if (fd < 0) /* the server has no free descriptor either, and core does not retry */
        return errno == EMFILE || errno == ENFILE ? DEAD : UNSURE;
    if (connect(fd, (const struct sockaddr *)&w->addr, w->addr_len) != 0) {
        if (errno == EINPROGRESS)
            v = await(fd, POLLOUT);
        else
            v = errno == ECONNREFUSED ? REFUSED
                                      : DEAD; /* the backlog of a unix socket is full: EAGAIN */
    }
    if (v == ALIVE && refused(fd))
        v = REFUSED;
    if (v == ALIVE) {
        shutdown(fd, SHUT_WR);
        v = await(fd, POLLIN);
    }
    close(fd);
    return v;
}

static size_t resident(void)
{
    unsigned long long total, pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (f == NULL)
        return 0;
    if (fscanf(f, "%llu %llu", &total, &pages) != 2)
        pages = 0;
    fclose(f);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Sleeps. Returns true when the watchdog must stop. */
static bool pause_ms(struct watchdog *w, int ms)
{
    int64_t at = ward_mono_ns() + ms * WARD_NS_PER_MS;
    struct timespec ts = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000};
    bool stop;

    pthread_mutex_lock(&w->lock);
    while (!w->stop && pthread_cond_timedwait(&w->stop_asked, &w->lock, &ts) == 0)
        ;
    stop = w->stop;
    pthread_mutex_unlock(&w->lock);
    return stop;
}

/* Corrects the probe's verdict by the server's progress since the last probe. */
static enum verdict judge(struct watchdog *w, enum verdict probed)
{
    const struct transport *t = w->rpc->transport;
    uint64_t now = t->progress(w->rpc);
    bool moved = now != w->progress;

    w->progress = now;
    if (moved)
        w->moved_ns = ward_mono_ns();
    if (probed == REFUSED) /* overload never closes the port */
        return DEAD;
    if (probed != DEAD || !moved || (t->deaf != NULL && t->deaf(w->rpc)))
        return probed;
    return BUSY;
}

/* Overload is not mistaken for a stuck thread, because the watchdog's own thread would also be
 * delayed. */
static bool stuck(const struct watchdog *w)
{
    return w->rpc->transport->turns && ward_mono_ns() - w->moved_ns > STUCK_MS * WARD_NS_PER_MS;
}

static const char *const VERDICTS[] = {"alive", "dead", "unsure", "busy"};
WARD_METRIC_FROM_ZERO(probes, WARD_COUNT(VERDICTS), VERDICTS[i], NULL)

static const char *look(struct watchdog *w, int *strikes)
{
    size_t limit = w->rpc->cfg.watchdog_rss;
    size_t rss = resident();
    enum verdict v;

    ward_gauge(&rss_family, (double)rss);
    if (limit > 0 && rss > limit)
        return "resident memory exceeds its limit";
    if (*strikes < 0)
        return NULL;
    v = judge(w, probe(w));
    ward_metric_add(ward_series_of(&probes, VERDICTS[v], NULL, NULL), 1);
    *strikes = v == DEAD ? *strikes + 1 : v == UNSURE ? *strikes : 0;
    if (*strikes < STRIKES && stuck(w))
        return "a server thread is stuck";
    return *strikes >= STRIKES ? "the server accepts no more connections" : NULL;
}

static void *watch(void *arg)
{
    struct watchdog *w = arg;
    int period = w->rpc->cfg.watchdog_ms > 0 ? w->rpc->cfg.watchdog_ms : PERIOD_MS;
    int strikes = 0, since_probe = 0;
    const char *why = NULL;

    pthread_setname_np(pthread_self(), "rpc-watchdog");
    while (why == NULL) {
        int nap = strikes > 0 ? 0 : period < RSS_MS ? period : RSS_MS;
        int skip = -1;

        if (pause_ms(w, nap))
            return NULL;
        since_probe += nap;
        if (strikes > 0 || since_probe >= period) {
            since_probe = 0;
            why = look(w, &strikes);
        } else {
            why = look(w, &skip);
        }
    }
    WARD_LOG(ERROR, "watchdog: this process must be restarted", WARD_KV("why", why));
    w->rpc->cfg.broken(w->rpc->cfg.broken_arg, why);
    return NULL;
}

static void watchdog_free(struct watchdog *w)
{
    pthread_cond_destroy(&w->stop_asked);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

enum ward_code watchdog_start(struct ward_rpc *rpc, struct watchdog **out, struct ward_err *err)
{
    struct watchdog *w = calloc(1, sizeof(*w));
    pthread_condattr_t attr;

    WARD_ASSERT(w != NULL);
    w->rpc = rpc;
    w->moved_ns = ward_mono_ns();
    if (!address(w)) {
        free(w);
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the watchdog cannot reach %s: listen on an address, not a name",
                         rpc->cfg.listen);
    }
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->stop_asked, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&w->thread, NULL, watch, w) != 0) {
        watchdog_free(w);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot start the watchdog");
    }
    *out = w;
    return WARD_OK;
}

void watchdog_stop(struct watchdog *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->stop_asked);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    watchdog_free(w);
}
