/* The queue and worker processes: inputs that ended processes, and instances that move to a new
 * one. */
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/serve/queue_own.h"

static void hash(const struct entry *e, uint8_t sha256[32])
{
    struct ward_bytes parts[3 * WARD_MAX_IO];
    int n = 0;

    for (uint32_t i = 0; i < e->n_in; i++) {
        const struct ward_tensor *t = e->in[i];

        parts[n++] = (struct ward_bytes){&t->dtype, sizeof(t->dtype)};
        parts[n++] = (struct ward_bytes){t->shape, t->rank * sizeof(*t->shape)};
        parts[n++] = (struct ward_bytes){t->data, (size_t)t->nbytes};
    }
    ward_sha256_parts(parts, n, sha256);
}

enum ward_code entry_suspect(struct ward_queue *q, struct entry *e, struct ward_err *err)
{
    if (!ward_poison_any(&q->poison))
        return WARD_OK;
    hash(e, e->sha256);
    return ward_poison_check(&q->poison, e->sha256, ward_mono_ns(), &e->alone, err);
}

void batch_blame(struct ward_queue *q, const struct batch *b, bool ended)
{
    for (int i = 0; i < b->n_parts; i++) {
        struct entry *e = b->part[i].e;
        uint8_t sha256[32];

        if (ended) {
            hash(e, sha256);
            ward_poison_ended(&q->poison, sha256, ward_mono_ns());
        } else if (e->alone) {
            ward_poison_clear(&q->poison, e->sha256);
        }
    }
}

void ward_queue_refresh(struct ward_queue *q)
{
    if (q->cfg.ops.refresh == NULL)
        return;
    for (int i = 0; i < q->n_instances; i++) {
        struct ward_err err = {0};
        bool idle;

        pthread_mutex_lock(&q->lock);
        idle = !q->instance[i].busy;
        q->instance[i].busy = true;
        pthread_mutex_unlock(&q->lock);
        if (!idle)
            continue; /* a busy instance moves at its next run */
        if (q->cfg.ops.refresh(q->instance[i].is, &err) != WARD_OK)
            err.code = WARD_OK; /* ignored: the next run tries again and returns the error */
        pthread_mutex_lock(&q->lock);
        queue_pass_on(q, i);
        pthread_mutex_unlock(&q->lock);
    }
}
