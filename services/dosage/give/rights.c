/* The five rights, each with its evidence. */
#include "services/dosage/give/bedside.h"

#include <stdio.h>
#include <string.h>

#define ROUTE_PREFIX 6 /* length of "ROUTE_" */

enum ward_code rights_make(struct ward_arena *mem, const char *reason, struct rights *out,
                           struct ward_err *err)
{
    RightCheck *all = ward_alloc(mem, RIGHTS * sizeof(*all));

    out->at = ward_alloc(mem, RIGHTS * sizeof(*out->at));
    if (all == NULL || out->at == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the rights");
    out->mem = mem;
    for (int i = 0; i < RIGHTS; i++) {
        ward__dosage__v1__right_check__init(&all[i]);
        all[i].right = (Ward__Dosage__V1__Right)(i + 1);
        out->at[i] = &all[i];
        rights_say(out, i + 1, RESULT(NOT_CHECKED), reason, "");
    }
    return WARD_OK;
}

void rights_say(struct rights *r, int right, int result, const char *reason,
                const char *evidence)
{
    RightCheck *c = r->at[right - 1];

    c->result = (Ward__Dosage__V1__RightCheck__Result)result;
    c->reason_code = api_text(reason);
    c->evidence = api_text(evidence == NULL ? "" : evidence);
}

bool rights_failed(const struct rights *r)
{
    for (int i = 0; i < RIGHTS; i++)
        if (r->at[i]->result == RESULT(FAIL))
            return true;
    return false;
}

const char *right_name(int right)
{
    static const char *const names[RIGHTS] = {"patient", "drug", "dose", "route", "time"};

    return right >= 1 && right <= RIGHTS ? names[right - 1] : "";
}

const char *route_name(int route)
{
    const ProtobufCEnumValue *v =
        protobuf_c_enum_descriptor_get_value(&ward__dosage__v1__route__descriptor, route);

    return v == NULL ? "?" : v->name + ROUTE_PREFIX;
}

void day_of(const struct ward_zone *zone, int64_t at_us, char out[11])
{
    struct ward_wall wall;

    ward_zone_wall(zone, at_us, &wall);
    snprintf(out, 11, "%04u-%02u-%02u", (unsigned)wall.year % 10000U,
             (unsigned)wall.month % 100U, (unsigned)wall.mday % 100U);
}

bool is_high_alert_dose(const struct ruleset *rules, const Dose *d)
{
    const Drug *in_hand = NULL;

    if (is_high_alert(rules, d->drug_id))
        return true;
    return d->scanned != NULL &&
           ruleset_product(rules, d->scanned->product_id, &in_hand) != NULL &&
           is_high_alert(rules, in_hand->id);
}

bool is_high_alert(const struct ruleset *rules, const char *drug_id)
{
    const Drug *d = ruleset_drug(rules, drug_id);

    for (size_t i = 0; d != NULL && i < d->n_ingredients; i++) {
        const Ward__Dosage__V1__Ingredient *in = ruleset_ingredient(rules, d->ingredients[i]);

        if (in != NULL && in->high_alert)
            return true;
    }
    return false;
}
