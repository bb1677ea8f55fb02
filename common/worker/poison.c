#include "common/worker/poison.h"

#include "common/base/clock.h"
#include "common/worker/own.h"

#include <string.h>

#define REFUSE_MS 60000
#define ENDS      2

struct ward_family worker_poisoned = {
    .name = "ward_worker_poisoned_total",
    .help =
        "Number of calls that were rejected because their input ended two worker processes.",
    .type = WARD_COUNTER,
};

void ward_poison_init(struct ward_poison *p, int refuse_ms)
{
    memset(p, 0, sizeof(*p));
    pthread_mutex_init(&p->lock, NULL);
    p->refuse_ns = (refuse_ms <= 0 ? REFUSE_MS : refuse_ms) * WARD_NS_PER_MS;
}

void ward_poison_done(struct ward_poison *p)
{
    pthread_mutex_destroy(&p->lock);
}

bool ward_poison_any(const struct ward_poison *p)
{
    return atomic_load(&p->n) > 0;
}

/* Returns the row of an input, and removes expired rows. Lock held. */
static struct ward_poisoned *find(struct ward_poison *p, const uint8_t sha256[32],
                                  int64_t now_ns)
{
    struct ward_poisoned *found = NULL;

    for (int i = 0; i < WARD_POISON_INPUTS; i++) {
        struct ward_poisoned *e = &p->input[i];

        if (e->ends > 0 && e->until_ns <= now_ns) {
            e->ends = 0;
            atomic_fetch_sub(&p->n, 1);
        }
        if (e->ends > 0 && memcmp(e->sha256, sha256, sizeof(e->sha256)) == 0)
            found = e;
    }
    return found;
}

/* Returns a free row, or evicts the row that would expire first. Lock held. */
static struct ward_poisoned *place(struct ward_poison *p)
{
    struct ward_poisoned *oldest = &p->input[0];

    for (int i = 0; i < WARD_POISON_INPUTS; i++) {
        struct ward_poisoned *e = &p->input[i];

        if (e->ends == 0)
            return e;
        if (e->until_ns < oldest->until_ns)
            oldest = e;
    }
    oldest->ends = 0;
    atomic_fetch_sub(&p->n, 1);
    return oldest;
}

void ward_poison_ended(struct ward_poison *p, const uint8_t sha256[32], int64_t now_ns)
{
    struct ward_poisoned *e;

    pthread_mutex_lock(&p->lock);
    e = find(p, sha256, now_ns);
    if (e == NULL) {
        e = place(p);
        memcpy(e->sha256, sha256, sizeof(e->sha256));
        atomic_fetch_add(&p->n, 1);
    }
    e->ends++;
    e->until_ns = now_ns + p->refuse_ns;
    pthread_mutex_unlock(&p->lock);
}

void ward_poison_clear(struct ward_poison *p, const uint8_t sha256[32])
{
    struct ward_poisoned *e;

    pthread_mutex_lock(&p->lock);
    e = find(p, sha256, 0);
    if (e != NULL && e->ends < ENDS) {
        e->ends = 0;
        atomic_fetch_sub(&p->n, 1);
    }
    pthread_mutex_unlock(&p->lock);
}

enum ward_code ward_poison_check(struct ward_poison *p, const uint8_t sha256[32],
                                 int64_t now_ns, bool *suspect, struct ward_err *err)
{
    const struct ward_poisoned *e;
    int64_t left_ns = 0;

    pthread_mutex_lock(&p->lock);
    e = find(p, sha256, now_ns);
    *suspect = e != NULL;
    if (e != NULL && e->ends >= ENDS)
        left_ns = e->until_ns - now_ns;
    pthread_mutex_unlock(&p->lock);
    if (left_ns <= 0)
        return WARD_OK;
    ward_count(&worker_poisoned, 1);
    WARD_FAIL_REASON(
        err, RESOURCE_EXHAUSTED, "POISONED_INPUT",
        "this input ended two worker processes; the service refuses the input for %d s",
        (int)(left_ns / 1000000000) + 1);
    if (err != NULL)
        err->retry_after_ms = (int)(left_ns / WARD_NS_PER_MS) + 1;
    return WARD_RESOURCE_EXHAUSTED;
}
