#include "services/dosage/chart/chart_own.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/handler/handler.h"
#include "common/rpc/wire.h"
#include "services/dosage/chart/ask.h"
#include "services/dosage/store/owner.h"

#include <string.h>

#define NS_PER_S    (1000 * WARD_NS_PER_MS)
#define HUNG_NS     NS_PER_S
#define MESSAGE_MEM ((size_t)16 << 20)

#define CURRENT     WARD__DOSAGE__V1__CHART_STATE__CHART_STATE_CURRENT
#define STALE       WARD__DOSAGE__V1__CHART_STATE__CHART_STATE_STALE
#define UNAVAILABLE WARD__DOSAGE__V1__CHART_STATE__CHART_STATE_UNAVAILABLE

/* A person's request about a patient. */
struct query {
    struct ward_call *call;
    struct charts *ch;
    bool whole; /* requests facts and access; false: only access */
    bool keeps; /* the answer may be cached, and may come from the cache */
    uint8_t asked[DOSAGE_ID];
    struct keep_key key; /* id of the surviving record, as far as known */
    struct kept kept;
    bool found;
};

enum from { FROM_CACHE, FROM_STALE, FROM_RECORDS };
static const char *const FROM[] = {"cached", "stale", "records"};
WARD_METRIC_FROM_ZERO(dosage_chart_reads, WARD_COUNT(FROM), FROM[i], NULL)

static void count_from(enum from from)
{
    ward_metric_add(ward_series_of(&dosage_chart_reads, FROM[from], NULL, NULL), 1);
}

/* Hashes the caller's attributes that determine access. */
static void hash_person(const struct ward_principal *p, uint8_t out[32])
{
    struct ward_bytes part[WARD_MAX_ROLES + 4];
    const char *first[] = {p->issuer, p->subject, p->ward, p->purpose};
    int n = 0;

    for (; n < 4; n++)
        part[n] = (struct ward_bytes){first[n], strlen(first[n]) + 1};
    for (int i = 0; i < p->n_roles; i++, n++)
        part[n] = (struct ward_bytes){p->roles[i], strlen(p->roles[i]) + 1};
    ward_sha256_parts(part, n, out);
}

static enum ward_code begin(struct query *q, struct ward_call *c, const char *patient_id)
{
    struct worker *w = c->wrk;

    q->call = c;
    q->ch = w->dos->charts;
    WARD_TRY(ward_call_id(c, "patient_id", patient_id, q->asked, NULL));
    q->keeps = w->dos->cfg.access_s > 0 && !rule_purpose_passes(c->who->purpose);
    merges_root(q->ch->merges, q->asked, q->key.id);
    hash_person(c->who, q->key.who);
    if (q->keeps)
        q->found = keep_find(q->ch->keep, &q->key, c->mem, &q->kept);
    return WARD_OK;
}

static bool within(int64_t since_ns, int64_t s)
{
    return since_ns != 0 && ward_mono_ns() - since_ns < s * NS_PER_S;
}

static bool feed_speaks(const struct query *q)
{
    return within(atomic_load(&q->ch->heard_ns), q->ch->dos->cfg.chart_s);
}

static bool let_in(const struct query *q)
{
    return q->found && within(q->kept.let_in_ns, q->ch->dos->cfg.access_s);
}

/* ---- answers ---- */

static void fill(struct chart *out, const uint8_t id[DOSAGE_ID], const Facts *facts, bool kept)
{
    memcpy(out->id, id, DOSAGE_ID);
    ward_uuid_text(id, out->text);
    out->facts = facts;
    out->kept = kept;
}

static Facts *unpack(const struct kept *k, struct ward_arena *mem)
{
    ProtobufCMessage *msg;

    if (k->facts == NULL || ward_wire_decode(&ward__dosage__v1__facts__descriptor, k->facts,
                                             k->n, mem, &msg, NULL) != WARD_OK)
        return NULL;
    return (Facts *)msg;
}

/* Time at which the cached chart was last known to be current: when the chart was read, or when
 * the feed last confirmed the chart. */
static int64_t as_of(const struct charts *ch, const struct kept *k)
{
    int64_t heard_us = atomic_load(&ch->heard_us);

    return heard_us > k->read_us ? heard_us : k->read_us;
}

static enum ward_code give_kept(struct query *q, Ward__Dosage__V1__ChartState state,
                                struct chart *out)
{
    struct ward_call *c = q->call;
    Facts *facts = NULL;

    if (q->whole) {
        facts = unpack(&q->kept, c->mem);
        if (facts == NULL && state == STALE) {
            facts = ward_new(c->mem, Facts);
            if (facts != NULL)
                ward__dosage__v1__facts__init(facts);
            state = UNAVAILABLE;
        }
        if (facts == NULL)
            return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the chart");
        facts->state = state;
        facts->as_of_us = state == UNAVAILABLE ? 0 : as_of(q->ch, &q->kept);
    }
    fill(out, q->key.id, facts, true);
    count_from(state == CURRENT ? FROM_CACHE : FROM_STALE);
    return WARD_OK;
}

/* A merged patient whose merge is not yet known to this replica is not cached; the feed will
 * report the merge.
 */
static void keep(const struct query *q, const struct answer *a, uint64_t generation,
                 int64_t began_ns, int64_t began_us)
{
    struct kept what = {.let_in_ns = began_ns, .read_ns = began_ns, .read_us = began_us};
    struct ward_arena *mem = q->call->mem;

    if (!q->keeps || memcmp(a->id, q->key.id, DOSAGE_ID) != 0)
        return;
    if (q->whole) {
        void *packed;

        what.n = ward__dosage__v1__facts__get_packed_size(a->facts);
        packed = ward_alloc(mem, what.n);
        if (packed == NULL)
            return;
        ward__dosage__v1__facts__pack(a->facts, packed);
        what.facts = packed;
    }
    keep_put(q->ch->keep, &q->key, generation, &what);
}

/* ---- the patient's ward ---- */

/* Ids are UUIDv7: the last bytes are random. */
static _Atomic uint64_t *moved_bit(struct charts *ch, const uint8_t id[DOSAGE_ID],
                                   uint64_t *bit)
{
    unsigned at = ((unsigned)id[14] << 8 | id[15]) % CHARTS_MOVED;

    *bit = UINT64_C(1) << at % 64;
    return &ch->moved[at / 64];
}

void charts_moved(struct charts *ch, const uint8_t id[DOSAGE_ID])
{
    uint64_t bit;
    _Atomic uint64_t *in = moved_bit(ch, id, &bit);

    atomic_fetch_or(in, bit);
}

/* If reading the ward fails, the next request about the patient reads the ward. The present
 * call still succeeds. */
static void find_out(struct query *q, struct answer *a, int64_t began_us)
{
    struct ward_call *c = q->call;
    struct ward_err why = {0}, *was = c->err;
    enum ward_code code = WARD_OK;

    c->err = &why;
    if (a->lies == NULL)
        code = ask_where(c, began_us, a);
    if (code == WARD_OK && rule_is_ward(a->lies))
        code = owner_lies(c->wrk, c->mem, a->id, a->lies, began_us, &why);
    c->err = was;
    if (code != WARD_OK)
        charts_moved(q->ch, a->id);
}

/* The bit is cleared before the call to records, so that a change during the call sets the bit
 * again. */
static bool take_moved(const struct query *q)
{
    uint64_t bit;
    _Atomic uint64_t *in = moved_bit(q->ch, q->key.id, &bit);

    return (atomic_load(in) & bit) != 0 && (atomic_fetch_and(in, ~bit) & bit) != 0;
}

static enum ward_code ask(struct query *q, struct chart *out)
{
    uint64_t generation = keep_generation(q->ch->keep, q->key.id);
    int64_t began_ns = ward_mono_ns(), began_us = ward_wall_us();
    bool moved = take_moved(q);
    struct answer a = {0};
    enum ward_code code;

    code = q->whole ? ask_all(q->call, q->asked, began_us, &a) : ask_may(q->call, q->asked, &a);
    if (code != WARD_OK && moved)
        charts_moved(q->ch, q->key.id);
    WARD_TRY(code);
    if (q->whole || moved)
        find_out(q, &a, began_us);
    keep(q, &a, generation, began_ns, began_us);
    a.facts->state = CURRENT;
    a.facts->as_of_us = began_us;
    fill(out, a.id, q->whole ? a.facts : NULL, false);
    count_from(FROM_RECORDS);
    return WARD_OK;
}

/* Whether the feed is silent and the last call to records timed out less than a second ago.
 * Other calls then do not wait for records; otherwise all workers would block. */
static bool hangs(const struct query *q)
{
    int64_t hung = atomic_load(&q->ch->hung_ns);

    return hung != 0 && !feed_speaks(q) && ward_mono_ns() - hung < HUNG_NS;
}

static enum ward_code away(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, UNAVAILABLE, "RECORDS_AWAY", "records is unavailable");
}

static enum ward_code answer(struct query *q, struct chart *out)
{
    struct ward_err *err = q->call->err;
    int64_t began = ward_mono_ns();
    enum ward_code code;

    if (let_in(q) && feed_speaks(q) &&
        (!q->whole ||
         (q->kept.facts != NULL && within(q->kept.read_ns, q->ch->dos->cfg.access_s))))
        return give_kept(q, CURRENT, out);
    code = hangs(q) ? away(err) : ask(q, out);
    if (code != WARD_UNAVAILABLE || strcmp(err->reason, "RECORDS_AWAY") != 0)
        return code;
    if (ward_mono_ns() - began >= HUNG_NS)
        atomic_store(&q->ch->hung_ns, ward_mono_ns());
    if (!let_in(q))
        return code;
    *err = (struct ward_err){0};
    return give_kept(q, STALE, out);
}

enum ward_code chart_of(struct ward_call *c, const char *patient_id, struct chart *out)
{
    struct query q = {.whole = true};

    WARD_TRY(begin(&q, c, patient_id));
    return answer(&q, out);
}

enum ward_code chart_may(struct ward_call *c, const char *patient_id, struct chart *out)
{
    struct query q = {.whole = false};

    WARD_TRY(begin(&q, c, patient_id));
    return answer(&q, out);
}

const Facts *chart_kept(struct charts *ch, struct ward_arena *mem, const uint8_t id[DOSAGE_ID])
{
    uint8_t root[DOSAGE_ID];
    struct kept kept;
    Facts *facts;

    merges_root(ch->merges, id, root);
    if (!keep_newest(ch->keep, root, mem, &kept))
        return NULL;
    facts = unpack(&kept, mem);
    if (facts != NULL) {
        facts->as_of_us = as_of(ch, &kept);
        facts->state =
            within(atomic_load(&ch->heard_ns), ch->dos->cfg.chart_s) ? CURRENT : STALE;
    }
    return facts;
}

void charts_forget(struct charts *ch, const uint8_t id[DOSAGE_ID])
{
    uint8_t root[DOSAGE_ID];

    if (ch == NULL)
        return;
    merges_root(ch->merges, id, root);
    keep_forget(ch->keep, root, KEEP_ALL);
}

double charts_feed_age_s(struct charts *ch)
{
    int64_t heard_ns = ch == NULL ? 0 : atomic_load(&ch->heard_ns);

    return heard_ns == 0 ? -1 : (double)(ward_mono_ns() - heard_ns) / (double)NS_PER_S;
}

/* ---- opening and closing ---- */

static enum ward_code start(struct charts *ch, struct ward_err *err)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&ch->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&ch->halt, &attr);
    pthread_condattr_destroy(&attr);
    ch->w.dos = ch->dos;
    ch->w.event_ctx.service = DOSAGE_NAME;
    ward_arena_init(&ch->mem, MESSAGE_MEM);
    WARD_TRY(keep_open(&ch->keep, err));
    WARD_TRY(merges_open(&ch->merges, err));
    if (pthread_create(&ch->thread, NULL, charts_follow, ch) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot start the follower of records");
    ch->started = true;
    return WARD_OK;
}

enum ward_code charts_open(struct dosage *dos, struct charts **out, struct ward_err *err)
{
    struct ward_arena own;
    struct charts *ch;
    enum ward_code code;

    ward_arena_init(&own, sizeof(*ch) + 64);
    ch = ward_new(&own, struct charts);
    if (ch == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for charts");
    ch->own = own;
    ch->dos = dos;
    code = start(ch, err);
    if (code != WARD_OK) {
        charts_close(ch);
        return code;
    }
    *out = ch;
    return WARD_OK;
}

void charts_close(struct charts *ch)
{
    struct ward_arena own;

    if (ch == NULL)
        return;
    pthread_mutex_lock(&ch->lock);
    ch->stop = true;
    pthread_cond_signal(&ch->halt);
    if (ch->stream != NULL)
        ward_client_cancel_stream(ch->stream);
    pthread_mutex_unlock(&ch->lock);
    if (ch->started)
        pthread_join(ch->thread, NULL);
    ward_db_close(ch->w.event_ctx.db);
    ward_arena_done(&ch->mem);
    merges_close(ch->merges);
    keep_close(ch->keep);
    pthread_cond_destroy(&ch->halt);
    pthread_mutex_destroy(&ch->lock);
    own = ch->own;
    ward_arena_done(&own);
}
