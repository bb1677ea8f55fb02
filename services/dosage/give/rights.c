/* The five rights, each with what it rests on. */
#include "services/dosage/give/bedside.h"

#include <stdio.h>
#include <string.h>

#define ROUTE_PREFIX 6 /* "ROUTE_" */

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

/* ---- the drug ---- */

enum ward_code hand_read(struct ward_arena *mem, const struct ruleset *rules, const char *scan,
                         const char *product_id, const char *not_scanned, struct hand *out,
                         struct ward_err *err)
{
    *out = (struct hand){.not_scanned = not_scanned, .named = product_id};
    if (*product_id != '\0') {
        out->product = ruleset_product(rules, product_id, &out->drug);
        if (out->product == NULL)
            return WARD_FAIL_FIELD(err, "product_id", "is no product of the active rule set");
    }
    if (*scan == '\0')
        return WARD_OK;
    WARD_TRY(scan_parse(scan, mem, &out->scanned, err));
    out->product = ruleset_gtin(rules, out->scanned->gtin, &out->drug);
    out->by_scan = out->product != NULL;
    if (out->product == NULL && *product_id != '\0' && *not_scanned != '\0')
        out->product = ruleset_product(rules, product_id, &out->drug);
    if (out->product != NULL)
        out->scanned->product_id = out->product->id;
    return WARD_OK;
}

/* What the barcode or the name said, for the chart. */
static const char *in_hand(struct rights *r, const struct hand *h)
{
    const Scanned *s = h->scanned;

    if (s == NULL)
        return h->product == NULL
                   ? "not scanned"
                   : ward_printf(r->mem, "product %s, not scanned", h->product->id);
    return ward_printf(r->mem, "gtin %s%s%s%s%s", s->gtin, *s->lot == '\0' ? "" : " lot ",
                       s->lot, *s->expires_on == '\0' ? "" : " expires ", s->expires_on);
}

void hand_right(struct rights *r, const struct hand *h, const char *drug_id,
                const char *product_id, const char *today)
{
    const char *says = in_hand(r, h);
    bool scanned = h->scanned != NULL;
    bool known = h->product != NULL;

    if (known && (strcmp(h->drug->id, drug_id) != 0 ||
                  (*product_id != '\0' && strcmp(h->product->id, product_id) != 0) ||
                  (*h->named != '\0' && strcmp(h->product->id, h->named) != 0)))
        rights_say(r, RIGHT(DRUG), RESULT(FAIL), "another-product", says);
    else if (scanned && *h->scanned->expires_on != '\0' &&
             strcmp(h->scanned->expires_on, today) < 0)
        rights_say(r, RIGHT(DRUG), RESULT(FAIL), "expired", says);
    else if (!h->by_scan && *h->not_scanned != '\0')
        rights_say(r, RIGHT(DRUG), RESULT(NOT_CHECKED), h->not_scanned, says);
    else if (!known)
        rights_say(r, RIGHT(DRUG), RESULT(FAIL), "unknown-product", says);
    else
        rights_say(r, RIGHT(DRUG), RESULT(PASS), "", says);
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

/* ---- the dose ---- */

/* Rates have no ingredient of their own to be turned into: only a unit that is exactly another
 * one's multiple will do. */
static enum ward_code compare_rates(const struct measured_dose *d, int *cmp,
                                    struct ward_err *err)
{
    struct amount given, ordered;
    struct ward_decimal in;

    WARD_TRY(amount_of(d->given, &given, err));
    WARD_TRY(amount_of(d->ordered->dose, &ordered, err));
    if (ward_ucum_convert(&given.value, &given.unit, &ordered.unit, &in, NULL) != WARD_OK)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_UNIT",
                                "the rate is in no unit that the ordered one converts to");
    *cmp = ward_decimal_cmp(&in, &ordered.value);
    return WARD_OK;
}

static enum ward_code compare(const struct measured_dose *d, int *cmp, struct ward_err *err)
{
    const Prescription *p = d->ordered;
    const Drug *drug = ruleset_drug(d->rules, p->drug_id);
    struct ward_decimal given, ordered;

    if (dose_is_rate(p))
        return compare_rates(d, cmp, err);
    if (drug == NULL || drug->n_ingredients == 0)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_UNIT",
                                "the active rule set has the order's drug no longer");
    WARD_TRY(amount_of_ingredient(d->rules, drug->id,
                                  *d->product_id == '\0' ? p->product_id : d->product_id,
                                  d->given, drug->ingredients[0], &given, err));
    WARD_TRY(amount_of_ingredient(d->rules, drug->id, p->product_id, p->dose,
                                  drug->ingredients[0], &ordered, err));
    *cmp = ward_decimal_cmp(&given, &ordered);
    return WARD_OK;
}

enum ward_code dose_right(struct rights *r, const struct measured_dose *d, struct ward_err *err)
{
    const Quantity *o = d->ordered->dose;
    int cmp = 0;
    bool right;

    WARD_TRY(compare(d, &cmp, err));
    right = d->partial ? cmp < 0 : cmp == 0;
    rights_say(r, RIGHT(DOSE), right ? RESULT(PASS) : RESULT(FAIL),
               right     ? ""
               : cmp > 0 ? "more"
               : cmp < 0 ? "less"
                         : "not-partial",
               ward_printf(r->mem, "%s %s of %s %s", d->given->value, d->given->unit, o->value,
                           o->unit));
    return WARD_OK;
}

enum ward_code wasted_check(const struct ruleset *rules, const char *drug_id,
                            const char *product_id, const Quantity *wasted,
                            struct ward_err *err)
{
    const Drug *drug = ruleset_drug(rules, drug_id);
    struct ward_decimal amount;

    if (wasted == NULL)
        return WARD_OK;
    if (drug == NULL || drug->n_ingredients == 0)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_UNIT",
                                "the active rule set has the drug no longer");
    return amount_of_ingredient(rules, drug_id, product_id, wasted, drug->ingredients[0],
                                &amount, err);
}
