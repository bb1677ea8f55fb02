/* Converts observations to measurements: selection, time and value. */
#include "services/dosage/chart/facts.h"

#include "common/measure/decimal.h"
#include "common/measure/fhirtime.h"

#include <stdlib.h>
#include <string.h>

#define EARLIEST_MIN 840 /* a time without a zone means its earliest moment: UTC+14 */
#define AHEAD_US     (15 * INT64_C(60000000)) /* tolerance for clock differences */
#define DIGITS_MAX   20                       /* maximum digits of a quantity's value */
#define LOINC        "http://loinc.org"
#define STATUS(name) WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_##name
#define WHEN(name)   WARD__RECORDS__V1__OBSERVATION__EFFECTIVE_##name

typedef Ward__Records__V1__Observation Observation;
typedef Ward__Dosage__V1__Measured Measured;
typedef Ward__Dosage__V1__Quantity Quantity;

static enum ward_code full(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the chart");
}

/* An unknown modifierExtension or unknown implicitRules may change the meaning of a value, so
 * the value is not used. Source: FHIR R4,
 * https://hl7.org/fhir/R4/extensibility.html#modifierExtension and
 * https://hl7.org/fhir/R4/resource-definitions.html#Resource.implicitRules. */
static bool counts(const Observation *o)
{
    if (o->n_modifier_extension > 0 || *o->implicit_rules != '\0')
        return false;
    return o->status == STATUS(FINAL) || o->status == STATUS(AMENDED) ||
           o->status == STATUS(CORRECTED);
}

static const struct facts_code *code_of(const Observation *o)
{
    const struct facts_code *found = NULL;

    for (size_t i = 0; o->code != NULL && found == NULL && i < o->code->n_coding; i++)
        if (strcmp(o->code->coding[i]->system, LOINC) == 0)
            found = facts_code_of(o->code->coding[i]->code);
    return found;
}

static bool moment(enum ward_fhirtime_type type, const char *text, int64_t *out)
{
    struct ward_fhirtime t;

    if (ward_fhirtime_parse(type, text, strlen(text), EARLIEST_MIN, &t, NULL) != WARD_OK)
        return false;
    *out = t.from_us;
    return true;
}

/* Time of the measurement: the earliest moment that the text allows, so that no measurement
 * appears newer than it is. A measurement without its own time has the time of issue. */
static bool made_at(const Observation *o, int64_t *out)
{
    switch (o->effective_case) {
    case WHEN(EFFECTIVE_DATE_TIME):
        return moment(WARD_FHIR_DATETIME, o->effective_date_time, out);
    case WHEN(EFFECTIVE_INSTANT):
        return moment(WARD_FHIR_INSTANT, o->effective_instant, out);
    case WHEN(EFFECTIVE_PERIOD):
        return o->effective_period != NULL &&
               moment(WARD_FHIR_DATETIME, o->effective_period->start, out);
    default:
        return moment(WARD_FHIR_INSTANT, o->issued, out);
    }
}

/* A bound is used as the value only if the bound is on the safe side: a filtration rate of at
 * least the bound, or a creatinine of at most the bound. */
static bool exact_enough(enum facts_group group, const char *comparator)
{
    if (*comparator == '\0')
        return true;
    if (group == GROUP_EGFR)
        return *comparator == '>';
    return group == GROUP_CREATININE && *comparator == '<';
}

bool facts_observed(const Observation *o, int64_t now_us, int64_t *at_us)
{
    return counts(o) && made_at(o, at_us) && *at_us <= now_us + AHEAD_US;
}

bool facts_amount(const Ward__Records__V1__Quantity *q)
{
    struct ward_decimal d;

    return q->value != NULL &&
           ward_decimal_parse(q->value->value, strlen(q->value->value), &d, NULL) == WARD_OK &&
           !d.negative && ward_decimal_significant(&d) <= DIGITS_MAX;
}

static bool amount_is(const Ward__Records__V1__Quantity *q, const char **value,
                      const char **unit)
{
    if (!facts_amount(q))
        return false;
    *value = q->value->value;
    *unit = *q->code != '\0' ? q->code : q->unit;
    return **unit != '\0';
}

enum ward_code facts_quantity(const char *value, const char *unit, struct ward_arena *mem,
                              Quantity **out, struct ward_err *err)
{
    char text[WARD_DECIMAL_SIZE];
    struct ward_decimal d;
    Quantity *q = ward_new(mem, Quantity);

    if (q == NULL)
        return full(err);
    ward__dosage__v1__quantity__init(q);
    WARD_TRY(ward_decimal_parse(value, strlen(value), &d, err));
    /* "7.1e1" becomes "71"; a value without an exponent is unchanged */
    ward_decimal_print(&d, text);
    q->value = ward_strdup(mem, text);
    q->unit = ward_strdup(mem, unit);
    *out = q;
    return q->value == NULL || q->unit == NULL ? full(err) : WARD_OK;
}

/* ---- the newest measurements of each group ---- */

struct seen {
    const struct facts_code *code;
    const Record *record;
    const char *value, *unit;
    int64_t at_us;
};

static bool see(const Record *r, int64_t now_us, struct seen *out)
{
    const Observation *o;

    if (r->resource == NULL || r->version == NULL || r->entered_in_error ||
        r->resource->resource_case != WARD__RECORDS__V1__RESOURCE__RESOURCE_OBSERVATION)
        return false;
    o = r->resource->observation;
    *out = (struct seen){.code = code_of(o), .record = r};
    return out->code != NULL && counts(o) &&
           o->value_case == WARD__RECORDS__V1__OBSERVATION__VALUE_VALUE_QUANTITY &&
           exact_enough(out->code->group, o->value_quantity->comparator) &&
           amount_is(o->value_quantity, &out->value, &out->unit) && made_at(o, &out->at_us) &&
           out->at_us <= now_us + AHEAD_US;
}

/* Sorts by group; measured before stated; newest first; then by later id. */
static int by_rank(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;

    if (x->code->group != y->code->group)
        return x->code->group < y->code->group ? -1 : 1;
    if (x->code->stated != y->code->stated)
        return x->code->stated ? 1 : -1;
    if (x->at_us != y->at_us)
        return x->at_us > y->at_us ? -1 : 1;
    return strcmp(y->record->version->resource_id, x->record->version->resource_id);
}

static bool same(const struct seen *a, const struct seen *b)
{
    return strcmp(a->record->version->resource_id, b->record->version->resource_id) == 0;
}

static enum ward_code measured_of(const struct seen *s, struct ward_arena *mem, Measured **out,
                                  struct ward_err *err)
{
    Measured *m = ward_new(mem, Measured);

    if (m == NULL)
        return full(err);
    ward__dosage__v1__measured__init(m);
    WARD_TRY(facts_quantity(s->value, s->unit, mem, &m->quantity, err));
    m->at_us = s->at_us;
    m->record_id = s->record->version->resource_id;
    m->record_version = s->record->version->version;
    *out = m;
    return WARD_OK;
}

/* Takes the first FACTS_EACH of a group's n measurements, each once. Stated measurements count
 * only if the first measurement is stated. */
static enum ward_code take(const struct seen *s, size_t n, struct ward_arena *mem,
                           Measured ***out, size_t *n_out, struct ward_err *err)
{
    *out = ward_alloc(mem, FACTS_EACH * sizeof(Measured *));
    if (*out == NULL)
        return full(err);
    for (size_t i = 0; i < n && *n_out < FACTS_EACH; i++) {
        if (i > 0 && (s[i].code->stated != s[0].code->stated || same(&s[i], &s[i - 1])))
            continue;
        WARD_TRY(measured_of(&s[i], mem, &(*out)[*n_out], err));
        ++*n_out;
    }
    return WARD_OK;
}

enum ward_code facts_measured(Record *const *records, size_t n, int64_t now_us,
                              struct ward_arena *mem, Facts *out, size_t found[FACTS_GROUPS],
                              struct ward_err *err)
{
    struct seen *seen = ward_alloc(mem, n * sizeof(*seen));
    size_t at = 0, n_seen = 0;

    if (seen == NULL)
        return full(err);
    memset(found, 0, FACTS_GROUPS * sizeof(*found));
    for (size_t i = 0; i < n; i++)
        if (see(records[i], now_us, &seen[n_seen]))
            found[seen[n_seen++].code->group]++;
    qsort(seen, n_seen, sizeof(*seen), by_rank);
    WARD_TRY(take(seen, found[GROUP_WEIGHT], mem, &out->weights, &out->n_weights, err));
    at += found[GROUP_WEIGHT];
    WARD_TRY(take(seen + at, found[GROUP_HEIGHT], mem, &out->heights, &out->n_heights, err));
    at += found[GROUP_HEIGHT];
    WARD_TRY(take(seen + at, found[GROUP_CREATININE], mem, &out->creatinines,
                  &out->n_creatinines, err));
    at += found[GROUP_CREATININE];
    return take(seen + at, found[GROUP_EGFR], mem, &out->egfrs, &out->n_egfrs, err);
}
