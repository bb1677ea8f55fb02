#include "common/rpc/load/peers.h"

#include "common/base/clock.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_NS  (100 * WARD_NS_PER_MS)
#define FEW        8 /* limit of rejected calls in a window that are answered without delay */
#define HOLD_MS    25
#define MOST_NAMES 64 /* limit of names with their own metrics */

/* ---- metrics ---- */

static struct ward_family calls = {.name = "ward_rpc_peer_calls_total",
                                   .help = "Number of calls that arrived, by the name in the "
                                           "caller's certificate.",
                                   .type = WARD_COUNTER,
                                   .label = {"peer"}};
static struct ward_family shed = {.name = "ward_rpc_peer_shed_total",
                                  .help = "Number of calls rejected for load, by the name in "
                                          "the caller's certificate.",
                                  .type = WARD_COUNTER,
                                  .label = {"peer"}};
static struct ward_family busy = {.name = "ward_rpc_peer_busy_seconds_total",
                                  .help = "Worker time that calls took, by the name in the "
                                          "caller's certificate, in seconds.",
                                  .type = WARD_COUNTER,
                                  .label = {"peer"}};
WARD_METRIC_LISTED(calls)
WARD_METRIC_LISTED(shed)
WARD_METRIC_LISTED(busy)

/* The first MOST_NAMES names have their own series, and later names share one, because a
 * certificate authority may sign a name for every device. */
static const char *label_of(const char *name)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char names[MOST_NAMES][PEER_NAME];
    static int n;
    const char *label = "other";
    int i = 0;

    if (*name == '\0')
        return "none";
    pthread_mutex_lock(&lock);
    while (i < n && strcmp(names[i], name) != 0)
        i++;
    if (i == n && n < MOST_NAMES)
        memcpy(names[n++], name, strlen(name) + 1);
    if (i < n)
        label = names[i];
    pthread_mutex_unlock(&lock);
    return label;
}

/* ---- the table ---- */

void peers_init(struct peers *p)
{
    *p = (struct peers){0};
    pthread_mutex_init(&p->lock, NULL);
}

void peers_done(struct peers *p)
{
    for (int i = 0; i < PEER_BUCKETS; i++)
        WARD_ASSERT(p->buckets[i] == NULL);
    pthread_mutex_destroy(&p->lock);
}

static struct peer **place_of(struct peers *p, const char *name, const uint8_t ip[16])
{
    uint32_t h = UINT32_C(2166136261);
    struct peer **at;

    for (const char *c = name; *c != '\0'; c++)
        h = (h ^ (uint8_t)*c) * UINT32_C(16777619);
    for (int i = 0; i < 16; i++)
        h = (h ^ ip[i]) * UINT32_C(16777619);
    at = &p->buckets[h % PEER_BUCKETS];
    while (*at != NULL && (memcmp((*at)->ip, ip, 16) != 0 || strcmp((*at)->name, name) != 0))
        at = &(*at)->next;
    return at;
}

static struct peer *make(struct peers *all, const char *name, const uint8_t ip[16])
{
    struct peer *p = calloc(1, sizeof(*p));
    const char *label = label_of(name);

    WARD_ASSERT(p != NULL && strlen(name) < PEER_NAME);
    p->all = all;
    memcpy(p->name, name, strlen(name) + 1);
    memcpy(p->ip, ip, 16);
    p->calls = ward_series_of(&calls, label, NULL, NULL);
    p->shed = ward_series_of(&shed, label, NULL, NULL);
    p->busy = ward_series_of(&busy, label, NULL, NULL);
    return p;
}

struct peer *peers_hold(struct peers *all, const char *name, const uint8_t ip[16])
{
    struct peer **at, *p;

    pthread_mutex_lock(&all->lock);
    at = place_of(all, name, ip);
    if (*at == NULL)
        *at = make(all, name, ip);
    p = *at;
    atomic_fetch_add(&p->holds, 1);
    pthread_mutex_unlock(&all->lock);
    return p;
}

void peer_share(struct peer *p)
{
    atomic_fetch_add_explicit(&p->holds, 1, memory_order_relaxed);
}

/* Only the last release needs the lock, so that no other thread can find the entry
 * meanwhile. */
void peer_drop(struct peer *p)
{
    struct peers *all;
    int n;
    bool last;

    if (p == NULL)
        return;
    n = atomic_load(&p->holds);
    while (n > 1)
        if (atomic_compare_exchange_weak(&p->holds, &n, n - 1))
            return;
    all = p->all;
    pthread_mutex_lock(&all->lock);
    last = atomic_fetch_sub(&p->holds, 1) == 1;
    if (last)
        *place_of(all, p->name, p->ip) = p->next;
    pthread_mutex_unlock(&all->lock);
    if (last)
        free(p);
}

bool peer_connected(struct peer *p, int most)
{
    bool ok;

    pthread_mutex_lock(&p->all->lock);
    ok = p->connections < most;
    p->connections += ok;
    pthread_mutex_unlock(&p->all->lock);
    return ok;
}

void peer_disconnected(struct peer *p)
{
    pthread_mutex_lock(&p->all->lock);
    p->connections--;
    pthread_mutex_unlock(&p->all->lock);
}

int peer_refused(struct peer *p, int64_t now_ns)
{
    int64_t began = atomic_load_explicit(&p->refusing_ns, memory_order_relaxed);

    ward_metric_add(p->shed, 1);
    if (now_ns - began >= WINDOW_NS &&
        atomic_compare_exchange_strong(&p->refusing_ns, &began, now_ns))
        atomic_store(&p->refused, 0);
    return atomic_fetch_add(&p->refused, 1) < FEW ? 0 : HOLD_MS;
}
