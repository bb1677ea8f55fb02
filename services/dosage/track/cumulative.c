/* GetCumulative: the exact amount of an ingredient that a patient got in [from, until). Doses
 * are read page by page, so that memory suffices for a lifetime of doses. */
#include "common/base/clock.h"
#include "services/dosage/track/paging.h"
#include "services/dosage/track/track.h"

#include <string.h>

typedef Ward__Dosage__V1__GetCumulativeRequest CumulativeRequest;
typedef Ward__Dosage__V1__GetCumulativeResponse CumulativeResponse;

#define HOURS_MAX  876000
#define HOUR_US    INT64_C(3600000000)
#define PAGE_ARENA ((size_t)32 << 20)

struct summing {
    struct ward_call *call;
    struct ward_event event;
    struct chart chart;
    const struct ruleset *rules;
    const Ward__Dosage__V1__Ingredient *ingredient;
    CumulativeResponse *r;
    struct ward_decimal sum;
    struct ward_arena page;
};

static bool has(const Ward__Dosage__V1__Drug *d, const char *ingredient)
{
    for (size_t i = 0; i < d->n_ingredients; i++)
        if (strcmp(d->ingredients[i], ingredient) == 0)
            return true;
    return false;
}

/* A drug that the active rule set no longer has might contain the ingredient. Its doses are
 * reported as not counted. */
static enum ward_code add(void *arg, const Dose *a, struct ward_err *err)
{
    struct summing *s = arg;
    const Ward__Dosage__V1__Drug *drug;
    struct ward_decimal amount;
    struct ward_err why = {0};

    if (!dose_counts(a))
        return WARD_OK;
    drug = ruleset_drug(s->rules, a->drug_id);
    if (drug != NULL && !has(drug, s->ingredient->id))
        return WARD_OK;
    if (drug == NULL || a->dose == NULL ||
        amount_of_ingredient(s->rules, a->drug_id, a->product_id, a->dose, s->ingredient->id,
                             &amount, &why) != WARD_OK) {
        s->r->not_counted++;
        return WARD_OK;
    }
    s->r->doses++;
    return ward_decimal_add(&s->sum, &amount, &s->sum, err);
}

static enum ward_code read(void *arg, int64_t from_us, Dose ***out, size_t *n,
                           struct ward_err *err)
{
    struct summing *s = arg;

    if (ward_call_cancelled(s->call))
        return WARD_FAIL(err, CANCELLED, "the caller disconnected");
    ward_arena_reset(&s->page);
    return doses_of(s->call->wrk, &s->page, s->chart.id, from_us, s->r->until_us, PAGING_PAGE,
                    out, n, err);
}

static enum ward_code sum(struct summing *s, struct ward_err *err)
{
    struct paging *p = ward_new(s->call->mem, struct paging);

    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the sum");
    s->sum = ward_decimal_of(0, 0);
    s->r->doses = s->r->not_counted = 0;
    *p = (struct paging){.read = read, .take = add, .arg = s, .at_us = s->r->from_us};
    WARD_TRY(paging_run(p, err));
    return amount_print(&s->sum, s->ingredient->unit, s->call->mem, &s->r->amount, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct summing *s = arg;
    struct ward_event event = s->event;

    WARD_TRY(sum(s, err));
    ward_event_note_int(&event, "doses", s->r->doses);
    return ward_event_write(&event, db, err);
}

static enum ward_code in_page(struct summing *s)
{
    struct worker *w = s->call->wrk;
    enum ward_code code;

    ward_arena_init(&s->page, PAGE_ARENA);
    code = ward_db_tx(w->event_ctx.db, in_tx, s, s->call->err);
    ward_arena_done(&s->page);
    return code;
}

enum ward_code get_cumulative_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    const CumulativeRequest *req = (const CumulativeRequest *)q;
    struct summing s = {.call = c, .r = (CumulativeResponse *)r};

    WARD_TRY(track_begin(c, req->patient_id, &s.event, &s.chart));
    if (req->hours < 1 || req->hours > HOURS_MAX)
        return WARD_FAIL_FIELD(c->err, "hours", "must be 1 to %d", HOURS_MAX);
    if (req->until_us < 0 || req->until_us >= TRACK_TIME_MAX)
        return WARD_FAIL_FIELD(c->err, "until_us", "is not a valid time");
    WARD_TRY(ruleset_active(c->wrk, c->mem, &s.rules, c->err));
    s.ingredient = ruleset_ingredient(s.rules, req->ingredient);
    if (s.ingredient == NULL)
        return WARD_FAIL_REASON(c->err, NOT_FOUND, "INGREDIENT_NOT_FOUND",
                                "the active rule set has no such ingredient");
    s.r->until_us = req->until_us == 0 ? ward_wall_us() : req->until_us;
    s.r->from_us = s.r->until_us - req->hours * HOUR_US;
    return in_page(&s);
}
