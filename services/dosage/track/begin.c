#include "services/dosage/track/track.h"

#include <stdlib.h>
#include <string.h>

enum ward_code track_begin(struct ward_call *c, const char *patient_id,
                           struct ward_event *event, struct chart *chart)
{
    struct worker *w = c->wrk;
    uint8_t id[DOSAGE_ID];

    WARD_TRY(api_begin(c, event, NULL));
    WARD_TRY(ward_call_id(c, "patient_id", patient_id, id, w->event_ctx.patient));
    WARD_TRY(chart_may(c, w->event_ctx.patient, chart));
    event->patient = chart->text;
    return WARD_OK;
}

enum ward_code track_span(struct ward_call *c, int64_t now_us, int64_t before_us,
                          int64_t after_us, int64_t *from_us, int64_t *to_us)
{
    int64_t from = *from_us == 0 ? now_us - before_us : *from_us;
    int64_t to = *to_us == 0 ? now_us + after_us : *to_us;

    if (from < 0 || from >= TRACK_TIME_MAX)
        return WARD_FAIL_FIELD(c->err, "from_us", "is not a valid time");
    if (to <= from || to - from > TRACK_DAYS * TRACK_DAY_US)
        return WARD_FAIL_FIELD(c->err, "to_us", "must be after from_us, by at most %d days",
                               TRACK_DAYS);
    *from_us = from;
    *to_us = to;
    return WARD_OK;
}

static enum ward_code no_order(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, NOT_FOUND, "ORDER_NOT_FOUND", "the patient has no such order");
}

enum ward_code track_order(struct ward_call *c, const struct chart *chart, const char *order_id,
                           Order **out, struct ward_err *err)
{
    uint8_t id[DOSAGE_ID], of[DOSAGE_ID], (*all)[DOSAGE_ID];
    struct worker *w = c->wrk;
    Order *found;
    size_t n;

    if (!ward_uuid_parse(order_id, id))
        return WARD_FAIL_FIELD(err, "order_id", "is not a UUID");
    WARD_TRY(order_find(w, c->mem, id, false, &found, err));
    WARD_TRY(owners_of(w, c->mem, chart->id, &all, &n, err));
    if (!ward_uuid_parse(found->patient_id, of))
        return WARD_FAIL(err, DATA_LOSS, "an order has no patient");
    for (size_t i = 0; i < n; i++)
        if (memcmp(all[i], of, DOSAGE_ID) == 0) {
            *out = found;
            return WARD_OK;
        }
    return no_order(err);
}

enum ward_code track_ward(struct ward_call *c, const char *ward)
{
    struct clock clock;

    if (!rule_is_ward(ward))
        return WARD_FAIL_FIELD(c->err, "ward",
                               "must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
    if (!rule_ward(c->who->roles, c->who->n_roles, c->who->ward, ward))
        return WARD_FAIL_REASON(c->err, PERMISSION_DENIED, "WARD_NOT_YOURS",
                                "the ward is not the ward of the person's token");
    return ward_clock(c->wrk, c->mem, ward, true, &clock, c->err);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum ward_code track_shown(const struct ward_event *first, const char **who, size_t n,
                           struct ward_db *db, struct ward_err *err)
{
    struct ward_event *events = ward_alloc(first->call->mem, (n + 1) * sizeof(*events));
    size_t m = 0;

    if (events == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the events");
    if (n > 0)
        qsort((void *)who, n, sizeof(*who), by_text);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(who[i], who[i - 1]) != 0)
            ward_event_another(first, who[i], &events[m++]);
    if (m == 0)
        events[m++] = *first;
    return ward_event_write_many(events, m, db, err);
}
