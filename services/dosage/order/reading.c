#include "services/dosage/order/reading.h"

enum ward_code reading_may(struct reading *r, const char *patient_id)
{
    struct ward_call *c = r->call;
    struct worker *w = c->wrk;

    ward_event_begin(&r->event, c, &w->event_ctx, patient_id);
    WARD_TRY(chart_may(c, patient_id, &r->chart));
    ward_event_begin(&r->event, c, &w->event_ctx, r->chart.text);
    return WARD_OK;
}

enum ward_code reading_of(struct reading *r, struct ward_call *c, const char *patient_id)
{
    uint8_t id[DOSAGE_ID];
    char text[37];

    r->call = c;
    WARD_TRY(api_begin(c, &r->event, NULL));
    WARD_TRY(ward_call_id(c, "patient_id", patient_id, id, text));
    return reading_may(r, text);
}

static enum ward_code tell_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct reading *r = arg;

    return ward_event_write(&r->event, db, err);
}

enum ward_code reading_tell(struct reading *r)
{
    struct worker *w = r->call->wrk;

    return ward_db_tx(w->event_ctx.db, tell_in_tx, r, r->call->err);
}
