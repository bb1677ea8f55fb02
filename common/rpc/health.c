#include "common/rpc/server.h"

#include "grpc/health/v1/health.pb-c.h"

#include <stdlib.h>
#include <string.h>

typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus status;
#define STATUS(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

/* One Watch stream. The transport owns its call. The watch's state changes only on the
 * transport's thread or in health_set and health_end, with the lock held. health_moved
 * takes the lock, so the transport's push must not call it directly. */
struct watch {
    struct watch *next, **at;
    struct served *s;
    struct health *h;
    int entry;          /* index into services; -1: unknown service */
    char *name;         /* requested name */
    int sent;           /* last status sent; -1: none */
    bool writing, over; /* over: the final batch was started */
};

struct entry {
    const char *name;
    bool part; /* a part of a service, with its own state */
    status now;
};

#define PARTS_MORE 64 /* limit of parts added while the server runs, such as a loaded model */

struct health {
    pthread_mutex_t lock;
    struct entry *services; /* [0] is "", the server as a whole */
    int n, cap;
    bool ended;
    struct watch *watches;
};

static int length(const char *const *names)
{
    int n = 0;

    while (names != NULL && names[n] != NULL)
        n++;
    return n;
}

struct health *health_new(const char *const *services, const char *const *parts)
{
    struct health *h = calloc(1, sizeof(*h));
    int n = length(services), n_parts = length(parts);

    WARD_ASSERT(h != NULL);
    pthread_mutex_init(&h->lock, NULL);
    h->n = 1 + n + n_parts;
    h->cap = h->n + PARTS_MORE;
    h->services = calloc((size_t)h->cap, sizeof(*h->services));
    WARD_ASSERT(h->services != NULL);
    h->services[0].name = "";
    for (int i = 0; i < n; i++)
        h->services[1 + i].name = services[i];
    for (int i = 0; i < n_parts; i++)
        h->services[1 + n + i] = (struct entry){.name = parts[i], .part = true};
    for (int i = 0; i < h->n; i++)
        h->services[i].now = STATUS(NOT_SERVING);
    return h;
}

void health_free(struct health *h)
{
    if (h == NULL)
        return;
    WARD_ASSERT(h->watches == NULL);
    pthread_mutex_destroy(&h->lock);
    free(h->services);
    free(h);
}

static int find(const struct health *h, const char *name)
{
    for (int i = 0; i < h->n; i++)
        if (strcmp(h->services[i].name, name) == 0)
            return i;
    return -1;
}

enum ward_code health_check(struct ward_call *c, const ProtobufCMessage *req,
                            ProtobufCMessage *resp)
{
    struct health *h = c->svc;
    const char *name = ((const Grpc__Health__V1__HealthCheckRequest *)req)->service;
    Grpc__Health__V1__HealthCheckResponse *r = (Grpc__Health__V1__HealthCheckResponse *)resp;
    int i;

    pthread_mutex_lock(&h->lock);
    i = find(h, name);
    if (i >= 0)
        r->status = h->services[i].now;
    pthread_mutex_unlock(&h->lock);
    return i >= 0 ? WARD_OK : WARD_FAIL(c->err, NOT_FOUND, "no such service");
}

static void finish(struct watch *w, enum ward_code code, const char *why)
{
    struct ward_err err = {0};

    w->over = true;
    *w->at = w->next;
    if (w->next != NULL)
        w->next->at = w->at;
    ward_err_set(&err, code, __FILE__, __LINE__, "%s", why);
    w->s->rpc->transport->finish(w->s, NULL, code, &err);
}

static void send(struct watch *w, status now)
{
    Grpc__Health__V1__HealthCheckResponse r = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

    r.status = now;
    w->sent = (int)now;
    w->writing = true;
    w->s->rpc->transport->push(w->s, &r.base);
}

/* Takes the next step of a watch, unless the watch is writing. Lock held. */
static void advance(struct watch *w)
{
    status now = w->entry < 0 ? STATUS(SERVICE_UNKNOWN) : w->h->services[w->entry].now;

    if (w->over || w->writing)
        return;
    if (atomic_load(&w->s->cancelled))
        finish(w, WARD_CANCELLED, "the caller disconnected");
    else if ((int)now != w->sent)
        send(w, now); /* the last status is sent before the end */
    else if (w->h->ended)
        finish(w, WARD_UNAVAILABLE, "the server is stopping");
}

void health_moved(struct served *s)
{
    struct watch *w = s->watch;
    struct health *h = w->h; /* w may be freed after its last step */

    pthread_mutex_lock(&h->lock);
    w->writing = false;
    advance(w);
    pthread_mutex_unlock(&h->lock);
}

static void begin(struct served *s, struct ward_arena *mem)
{
    struct health *h = s->method->svc;
    struct ward_err err = {0};
    ProtobufCMessage *req = NULL;
    struct watch *w;
    const char *name;

    if (s->rpc->transport->request(s, mem, &req, &err) != WARD_OK) {
        s->rpc->transport->finish(s, NULL, err.code, &err);
        ward_arena_reset(mem);
        return;
    }
    name = ((Grpc__Health__V1__HealthCheckRequest *)req)->service;
    w = calloc(1, sizeof(*w) + strlen(name) + 1);
    WARD_ASSERT(w != NULL);
    s->watch = w;
    pthread_mutex_lock(&h->lock);
    *w = (struct watch){.s = s,
                        .h = h,
                        .entry = find(h, name),
                        .name = (char *)(w + 1),
                        .sent = -1,
                        .next = h->watches,
                        .at = &h->watches};
    memcpy(w->name, name, strlen(name) + 1);
    if (h->watches != NULL)
        h->watches->at = &w->next;
    h->watches = w;
    s->rpc->transport->watch_close(s);
    advance(w);
    pthread_mutex_unlock(&h->lock);
    ward_arena_reset(mem);
}

static void closed(struct served *s)
{
    struct watch *w = s->watch;
    struct health *h = w->h;

    pthread_mutex_lock(&h->lock);
    advance(w);
    pthread_mutex_unlock(&h->lock);
}

void health_watch(struct served *s, struct ward_arena *mem)
{
    if (s->watch == NULL)
        begin(s, mem);
    else
        closed(s);
}

void health_gone(struct served *s)
{
    free(s->watch);
}

/* Adds a part that was not in the list at the start. Lock held. */
static void add_part(struct health *h, const char *name)
{
    if (find(h, name) >= 0 || h->n == h->cap)
        return;
    h->services[h->n] = (struct entry){.name = name, .part = true, .now = STATUS(NOT_SERVING)};
    for (struct watch *w = h->watches; w != NULL; w = w->next)
        if (w->entry < 0 && strcmp(w->name, name) == 0)
            w->entry = h->n;
    h->n++;
}

/* If the whole server stops serving, its parts do too. If the whole server starts serving, its
 * parts are unchanged. */
void health_set(struct health *h, const char *service, bool serving)
{
    pthread_mutex_lock(&h->lock);
    if (service != NULL)
        add_part(h, service);
    for (int i = 0; i < h->n && !h->ended; i++)
        if (service == NULL ? !h->services[i].part || !serving
                            : strcmp(h->services[i].name, service) == 0)
            h->services[i].now = serving ? STATUS(SERVING) : STATUS(NOT_SERVING);
    for (struct watch *w = h->watches, *next; w != NULL; w = next) {
        next = w->next;
        advance(w);
    }
    pthread_mutex_unlock(&h->lock);
}

void health_end(struct health *h)
{
    health_set(h, NULL, false);
    pthread_mutex_lock(&h->lock);
    h->ended = true;
    for (struct watch *w = h->watches, *next; w != NULL; w = next) {
        next = w->next;
        advance(w);
    }
    pthread_mutex_unlock(&h->lock);
}
