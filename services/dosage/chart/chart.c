#include "services/dosage/chart/chart.h"

#include "common/act/handler.h"
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "services/dosage/chart/ask.h"

#include <string.h>

static void count_from(const char *from)
{
    ward_metric_add(ward_series_of(&dosage_chart_reads, from, NULL, NULL), 1);
}

static void fill(struct chart *out, const struct answer *a)
{
    memcpy(out->id, a->id, DOSAGE_ID);
    ward_uuid_text(a->id, out->text);
}

enum ward_code chart_of(struct ward_call *c, const char *patient_id, struct chart *out)
{
    int64_t now_us = ward_wall_us();
    uint8_t id[DOSAGE_ID];
    struct answer a;

    WARD_TRY(ward_call_id(c, "patient_id", patient_id, id, NULL));
    WARD_TRY(ask_all(c, id, now_us, &a));
    a.facts->state = WARD__DOSAGE__V1__CHART_STATE__CHART_STATE_CURRENT;
    a.facts->as_of_us = now_us;
    fill(out, &a);
    out->facts = a.facts;
    out->kept = false;
    count_from("records");
    return WARD_OK;
}

enum ward_code chart_may(struct ward_call *c, const char *patient_id, struct chart *out)
{
    uint8_t id[DOSAGE_ID];
    struct answer a;

    WARD_TRY(ward_call_id(c, "patient_id", patient_id, id, NULL));
    WARD_TRY(ask_may(c, id, &a));
    fill(out, &a);
    out->facts = NULL;
    out->kept = false;
    count_from("records");
    return WARD_OK;
}
