#include "common/rpc/server.h"

/* A call that a handler makes must end when the handler's caller has gone. Core ends calls for
 * its own transport; this file ends calls for other transports. Few calls have a hook, and
 * setting it is short compared to the call, so one lock for all hooks is enough. */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Lock held. */
static void take_off(struct call_hook *h)
{
    *h->at = h->next;
    if (h->next != NULL)
        h->next->at = h->at;
    h->at = NULL;
}

void call_hooks_run(struct served *s)
{
    if (!atomic_load(&s->hooked))
        return;
    pthread_mutex_lock(&lock);
    while (s->hooks != NULL) {
        struct call_hook *h = s->hooks;

        take_off(h);
        h->fn(h);
    }
    atomic_store(&s->hooked, false);
    pthread_mutex_unlock(&lock);
}

void call_hook(const struct ward_call *c, struct call_hook *h)
{
    struct served *s = c == NULL ? NULL : c->served;

    h->at = NULL;
    if (s == NULL || s->rpc->core != NULL)
        return;
    pthread_mutex_lock(&lock);
    h->next = s->hooks;
    h->at = &s->hooks;
    if (h->next != NULL)
        h->next->at = &h->next;
    s->hooks = h;
    atomic_store(&s->hooked, true);
    pthread_mutex_unlock(&lock);
    if (s->rpc->transport->gone(s)) /* the caller may have gone before the hook was set */
        call_hooks_run(s);
}

void call_unhook(struct call_hook *h)
{
    pthread_mutex_lock(&lock);
    if (h->at != NULL)
        take_off(h);
    pthread_mutex_unlock(&lock);
}
