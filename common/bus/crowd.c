#include "common/bus/crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SCHEME  "tls+tcp://"
#define CLOSE_S 1

struct bus_crowd {
    nng_socket s;
    char host[256], port[8];
    char *cert, *key, *ca;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the following members */
    pthread_cond_t changed;
    /* alone: the closing caller's wait timed out, so the thread frees the memory */
    bool stopping, ended, alone;
    int n; /* used only by the thread, as is `dialled` */
    struct {
        char address[CROWD_ADDRESS];
        nng_dialer dialer;
    } dialled[CROWD_MAX];
};

static int resolve(const char *host, char out[][CROWD_ADDRESS])
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int n = 0;

    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return 0;
    for (struct addrinfo *a = found; a != NULL && n < CROWD_MAX; a = a->ai_next) {
        char text[INET6_ADDRSTRLEN];

        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0,
                        NI_NUMERICHOST) == 0)
            snprintf(out[n++], CROWD_ADDRESS, a->ai_family == AF_INET6 ? "[%s]" : "%s", text);
    }
    freeaddrinfo(found);
    return n;
}

bus_resolve *ward_crowd_resolver = resolve;
int ward_crowd_look_ms = 3000;

/* Splits "tls+tcp://host:port"; returns false for other addresses. */
static bool cut(const char *url, char host[256], char port[8])
{
    const char *from = url + strlen(SCHEME), *colon;

    if (strncmp(url, SCHEME, strlen(SCHEME)) != 0 || (colon = strrchr(from, ':')) == NULL)
        return false;
    if (colon == from || colon - from >= 256 || strlen(colon + 1) >= 8)
        return false;
    snprintf(host, 256, "%.*s", (int)(colon - from), from);
    snprintf(port, 8, "%s", colon + 1);
    return true;
}

bool ward_bus_crowd_is(const char *url)
{
    char host[256], port[8];
    struct in_addr v4;

    return cut(url, host, port) && *host != '[' && inet_pton(AF_INET, host, &v4) != 1;
}

static int place_of(char addresses[][CROWD_ADDRESS], int n, const char *address)
{
    for (int i = 0; i < n; i++)
        if (strcmp(addresses[i], address) == 0)
            return i;
    return -1;
}

static bool is_dialled(const struct bus_crowd *c, const char *address)
{
    for (int i = 0; i < c->n; i++)
        if (strcmp(c->dialled[i].address, address) == 0)
            return true;
    return false;
}

/* Dials an address. A failed dial is repeated in the next round. */
static void dial(struct bus_crowd *c, const char *address)
{
    const struct ward_bus_tls tls = {c->cert, c->key, c->ca};
    char url[128];

    if (c->n == CROWD_MAX || is_dialled(c, address))
        return;
    snprintf(url, sizeof(url), SCHEME "%.63s:%s", address, c->port);
    if (ward_bus_dial_as(c->s, url, &tls, c->host, &c->dialled[c->n].dialer, NULL) != WARD_OK)
        return;
    snprintf(c->dialled[c->n].address, CROWD_ADDRESS, "%.63s", address);
    c->n++;
}

static void look(struct bus_crowd *c)
{
    char now[CROWD_MAX][CROWD_ADDRESS];
    int n = ward_crowd_resolver(c->host, now);

    for (int i = 0; n > 0 && i < c->n;) {
        if (place_of(now, n, c->dialled[i].address) >= 0) {
            i++;
            continue;
        }
        nng_dialer_close(c->dialled[i].dialer);
        c->dialled[i] = c->dialled[--c->n];
    }
    for (int i = 0; i < n; i++)
        dial(c, now[i]);
}

static void release(struct bus_crowd *c)
{
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c->cert);
    free(c->key);
    free(c->ca);
    free(c);
}

static struct timespec in_ms(int64_t ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static void *follow_crowd(void *arg)
{
    struct bus_crowd *c = arg;
    bool alone;

    pthread_mutex_lock(&c->lock);
    while (!c->stopping) {
        struct timespec until;

        pthread_mutex_unlock(&c->lock);
        look(c);
        until = in_ms(ward_crowd_look_ms);
        pthread_mutex_lock(&c->lock);
        while (!c->stopping &&
               pthread_cond_timedwait(&c->changed, &c->lock, &until) != ETIMEDOUT)
            ;
    }
    c->ended = true;
    alone = c->alone;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    if (alone)
        release(c);
    return NULL;
}

enum ward_code ward_bus_crowd_open(nng_socket s, const char *url,
                                   const struct ward_bus_tls *tls, struct bus_crowd **out,
                                   struct ward_err *err)
{
    struct bus_crowd *c = calloc(1, sizeof(*c));
    pthread_condattr_t attr;

    if (c == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    c->s = s;
    c->cert = strdup(tls == NULL || tls->cert == NULL ? "" : tls->cert);
    c->key = strdup(tls == NULL || tls->key == NULL ? "" : tls->key);
    c->ca = strdup(tls == NULL || tls->ca == NULL ? "" : tls->ca);
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (c->cert == NULL || c->key == NULL || c->ca == NULL || !cut(url, c->host, c->port) ||
        pthread_create(&c->thread, NULL, follow_crowd, c) != 0) {
        release(c);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory or thread for the bus");
    }
    pthread_detach(c->thread);
    *out = c;
    return WARD_OK;
}

void ward_bus_crowd_close(struct bus_crowd *c)
{
    struct timespec until = in_ms(INT64_C(1000) * CLOSE_S);
    bool ended;

    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_broadcast(&c->changed);
    while (!c->ended && pthread_cond_timedwait(&c->changed, &c->lock, &until) != ETIMEDOUT)
        ;
    ended = c->ended;
    c->alone = !ended;
    pthread_mutex_unlock(&c->lock);
    if (ended)
        release(c);
}
