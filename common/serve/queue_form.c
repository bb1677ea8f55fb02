/* Selects the rows of the next run. */
#include "common/base/clock.h"
#include "common/serve/queue_own.h"

#include <string.h>

#define SHARE 9 /* limit of rows from more urgent lanes for each row of a waiting lane */

int64_t queue_expect_ns(const struct ward_queue *q)
{
    return (int64_t)(q->mean_ns + 2 * q->spread_ns);
}

/* ---- calls that must leave the queue ---- */

/* Returns whether the deadline would pass during the run. Each such rejection lowers the
 * expected time of a run, so that one slow run does not cause rejections forever. */
static bool hopeless(struct ward_queue *q, const struct entry *e, int64_t now)
{
    int64_t ns = queue_expect_ns(q);

    if (e->stop == NULL || e->stop->deadline_ns == WARD_NO_DEADLINE || e->taken > 0 ||
        e->stop->deadline_ns - now >= ns)
        return false;
    q->mean_ns *= 0.98;
    q->spread_ns *= 0.98;
    return true;
}

static void clear_out(struct ward_queue *q, struct lane *l)
{
    int64_t now = ward_mono_ns();

    while (l->first != NULL) {
        struct entry *e = l->first;
        struct ward_err why = {0};
        enum ward_code code = WARD_OK;

        if (entry_late(e, now))
            code = WARD_FAIL(&why, DEADLINE_EXCEEDED,
                             "the deadline passed while the call was in the queue");
        else if (entry_gone(e))
            code = WARD_FAIL(&why, CANCELLED, "the call was cancelled");
        else if (hopeless(q, e, now))
            code = WARD_FAIL(&why, DEADLINE_EXCEEDED,
                             "the deadline would pass before the model has run");
        if (code == WARD_OK)
            return;
        entry_fail(q, e, code, &why);
    }
}

/* ---- the lane ---- */

/* Selects the lane of the next batch; *most is the limit of its rows. */
static struct lane *next_lane(struct ward_queue *q, bool stat_alone, int64_t *most)
{
    const int n = stat_alone ? 1 : WARD_URGENCIES;

    for (int i = 0; i < n; i++)
        clear_out(q, &q->lane[i]);
    *most = INT64_MAX;
    for (int i = n - 1; i > 0; i--) {
        struct lane *l = &q->lane[i];

        if (l->first == NULL)
            l->owed = 0;
        if (l->owed >= SHARE) {
            *most = l->owed / SHARE;
            return l;
        }
    }
    for (int i = 0; i < n; i++)
        if (q->lane[i].first != NULL)
            return &q->lane[i];
    return NULL;
}

static void owe(struct ward_queue *q, const struct lane *l, int64_t rows)
{
    bool less_urgent = false;

    for (int i = 0; i < WARD_URGENCIES; i++) {
        struct lane *other = &q->lane[i];

        if (other == l) {
            other->owed -= SHARE * rows;
            other->owed = other->owed < 0 ? 0 : other->owed;
            less_urgent = true;
        } else if (less_urgent && other->first != NULL) {
            other->owed += rows;
        }
    }
}

/* ---- the number of rows ---- */

static bool same_shape(const struct entry *a, const struct entry *b)
{
    if (a->whole || b->whole || a->alone || b->alone || a->n_in != b->n_in)
        return false;
    for (uint32_t i = 0; i < a->n_in; i++) {
        const struct ward_tensor *x = a->in[i], *y = b->in[i];

        if (x->dtype != y->dtype || x->rank != y->rank ||
            memcmp(x->shape + 1, y->shape + 1, (x->rank - 1) * sizeof(*x->shape)) != 0)
            return false;
    }
    return true;
}

/* Returns the number of rows at the front of a lane that may share a run, at most `most`.
 * *unlike: the first call with another shape, or NULL. */
static int64_t at_hand(const struct lane *l, int64_t most, const struct entry **unlike)
{
    const struct entry *e = l->first;
    int64_t rows = 0;
    size_t calls = 0;

    *unlike = NULL;
    for (; e != NULL && rows < most && calls < PARTS_MAX; e = e->next, calls++) {
        if (e != l->first && !same_shape(l->first, e)) {
            *unlike = e;
            break;
        }
        rows += e->rows - e->taken;
    }
    return rows < most ? rows : most;
}

/* Returns the size of the ladder with the least time for each row. */
static int best_rung(const struct ward_queue *q, int64_t rows)
{
    int best = 0;
    double least = 0;

    for (int i = 0; i < q->n_rungs; i++) {
        const struct ward_rung *r = &q->rung[i];
        double each = (double)r->ns / (double)(rows < r->rows ? rows : r->rows);

        if (i == 0 || each <= least) {
            best = i;
            least = each;
        }
    }
    return best;
}

/* ---- waiting for more rows ---- */

static int64_t until_ns(const struct ward_queue *q, const struct lane *l, bool *deadline)
{
    int64_t at = l->first->since_ns + (int64_t)q->cfg.delay_us * 1000;

    *deadline = false;
    for (const struct entry *e = l->first; e != NULL; e = e->next) {
        int64_t last;

        if (e->stop == NULL || e->stop->deadline_ns == WARD_NO_DEADLINE)
            continue;
        last = e->stop->deadline_ns - 2 * queue_expect_ns(q);
        if (last < at) {
            at = last;
            *deadline = true;
        }
    }
    return at;
}

/* Waits for more rows. Returns false, with the cause in *why, if the batch must run now. */
static bool wait_more(struct ward_queue *q, const struct lane *l, int64_t rows, enum why *why)
{
    const int most = q->rung[q->n_rungs - 1].rows;
    struct timespec ts;
    bool deadline;
    int64_t at;

    *why = rows >= most ? WHY_FULL : WHY_IDLE;
    if (q->closing || q->cfg.delay_us <= 0 || rows >= most || l == &q->lane[WARD_STAT] ||
        l->first->whole)
        return false;
    at = until_ns(q, l, &deadline);
    *why = deadline ? WHY_DEADLINE : WHY_DELAY;
    if (ward_mono_ns() >= at)
        return false;
    ts = (struct timespec){at / 1000000000, at % 1000000000};
    q->waiting_for_more++;
    pthread_cond_timedwait(&q->more, &q->lock, &ts);
    q->waiting_for_more--;
    return true;
}

/* ---- the batch ---- */

static void take(struct ward_queue *q, struct lane *l, int64_t rows, struct batch *b)
{
    const int64_t now = ward_mono_ns();

    while (b->rows < rows) {
        struct entry *e = l->first;
        struct part *p = &b->part[b->n_parts++];

        *p = (struct part){e, e->taken, e->rows - e->taken};
        if (p->n > rows - b->rows)
            p->n = rows - b->rows;
        if (e->taken == 0)
            ward_metric_observe(l->wait_family, l->wait, (double)(now - e->since_ns) / 1e9);
        e->taken += p->n;
        e->in_flight++;
        b->rows += p->n;
        l->rows -= p->n;
        if (e->taken == e->rows)
            entry_leave(q, e);
    }
    ward_metric_set(l->waiting, (double)l->rows);
    owe(q, l, rows);
}

static bool others_wait(const struct ward_queue *q, const struct lane *l)
{
    for (int i = 0; i < WARD_URGENCIES; i++)
        if (&q->lane[i] != l && q->lane[i].first != NULL)
            return true;
    return false;
}

bool batch_form(struct ward_queue *q, bool stat_alone, struct batch *b)
{
    const struct entry *unlike;
    struct lane *l;
    int64_t most, rows;
    enum why why;

    do {
        l = next_lane(q, stat_alone, &most);
        if (l == NULL)
            return false;
        if (most > q->rung[q->n_rungs - 1].rows)
            most = q->rung[q->n_rungs - 1].rows;
        rows = at_hand(l, most, &unlike);
    } while (unlike == NULL && wait_more(q, l, rows, &why));
    if (unlike != NULL)
        why = rows >= q->rung[q->n_rungs - 1].rows ? WHY_FULL : WHY_SHAPE;
    else if (why == WHY_IDLE && others_wait(q, l))
        why = WHY_LANE;
    *b = (struct batch){.why = why, .at = best_rung(q, rows)};
    b->rung = l->first->whole ? 0 : q->rung[b->at].rows;
    if (b->rung > 0 && rows > b->rung)
        rows = b->rung;
    take(q, l, rows, b);
    return true;
}
