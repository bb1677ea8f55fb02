#include "services/dosage/downtime/pack.h"

static const Facts NOTHING = {
    .base = PROTOBUF_C_MESSAGE_INIT(&ward__dosage__v1__facts__descriptor),
    .state = WARD__DOSAGE__V1__CHART_STATE__CHART_STATE_UNAVAILABLE,
    .birth_date = (char *)(uintptr_t)protobuf_c_empty_string,
    .ward = (char *)(uintptr_t)protobuf_c_empty_string,
};

/* The call continues without the facts if reading the chart fails. */
static enum ward_code ask(struct ward_call *c, const uint8_t patient[DOSAGE_ID],
                          struct chart *out)
{
    struct ward_err why = {0}, *was = c->err;
    enum ward_code code;
    char text[37];

    ward_uuid_text(patient, text);
    c->err = &why;
    code = chart_of(c, text, out);
    c->err = was;
    return code;
}

const Facts *pack_facts(struct ward_call *c, const uint8_t patient[DOSAGE_ID], bool *away)
{
    struct worker *w = c->wrk;
    const Facts *kept = chart_kept(w->dos->charts, c->mem, patient);
    struct chart chart = {0};
    enum ward_code code;

    if (kept != NULL)
        return kept;
    if (*away)
        return &NOTHING;
    code = ask(c, patient, &chart);
    *away = code == WARD_UNAVAILABLE || code == WARD_DEADLINE_EXCEEDED;
    return code == WARD_OK && chart.facts != NULL ? chart.facts : &NOTHING;
}
