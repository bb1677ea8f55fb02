#include "common/rpc/h2/caps.h"

#include <stdlib.h>
#include <string.h>

struct caps_entry {
    struct caps_entry *next;
    uint8_t ip[16];
    int n;
};

void caps_init(struct caps *c, int most, int most_each)
{
    *c = (struct caps){.most = most, .most_each = most_each};
    pthread_mutex_init(&c->lock, NULL);
}

void caps_done(struct caps *c)
{
    for (int i = 0; i < CAPS_BUCKETS; i++) {
        while (c->buckets[i] != NULL) {
            struct caps_entry *gone = c->buckets[i];

            c->buckets[i] = gone->next;
            free(gone);
        }
    }
    pthread_mutex_destroy(&c->lock);
}

/* Returns the place of the address in its bucket, which may be empty. */
static struct caps_entry **find(struct caps *c, const uint8_t ip[16])
{
    uint32_t h = UINT32_C(2166136261);
    struct caps_entry **e;

    for (int i = 0; i < 16; i++)
        h = (h ^ ip[i]) * UINT32_C(16777619);
    e = &c->buckets[h % CAPS_BUCKETS];
    while (*e != NULL && memcmp((*e)->ip, ip, 16) != 0)
        e = &(*e)->next;
    return e;
}

bool caps_came(struct caps *c, const uint8_t ip[16])
{
    struct caps_entry **e;
    bool ok;

    pthread_mutex_lock(&c->lock);
    e = find(c, ip);
    ok = c->n < c->most && (*e == NULL || (*e)->n < c->most_each);
    if (ok && *e == NULL && (*e = calloc(1, sizeof(**e))) != NULL)
        memcpy((*e)->ip, ip, 16);
    ok = ok && *e != NULL;
    if (ok) {
        (*e)->n++;
        c->n++;
    }
    pthread_mutex_unlock(&c->lock);
    return ok;
}

void caps_left(struct caps *c, const uint8_t ip[16])
{
    struct caps_entry **e, *gone;

    pthread_mutex_lock(&c->lock);
    e = find(c, ip);
    if (*e != NULL) {
        c->n--;
        if (--(*e)->n == 0) {
            gone = *e;
            *e = gone->next;
            free(gone);
        }
    }
    pthread_mutex_unlock(&c->lock);
}
