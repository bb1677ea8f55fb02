/* Converts observations to laboratory values, coded answers, and the state of pregnancy. */
#include "services/dosage/chart/facts.h"

#include "common/measure/decimal.h"
#include "common/measure/fhirtime.h"
#include "common/measure/ucum.h"

#include <stdlib.h>
#include <string.h>

#define EARLIEST_MIN 840 /* a time without a zone means its earliest moment: UTC+14 */
#define DAY_US       INT64_C(86400000000)
#define TERM_DAYS    280 /* days; source in check/circumstance.c */
#define WEEKS_MOST   45
#define CODINGS_MAX  20 /* maximum codings of one answer */
#define LOINC        "http://loinc.org"
#define SNOMED       "http://snomed.info/sct"
#define VALUE(name)  WARD__RECORDS__V1__OBSERVATION__VALUE_VALUE_##name
#define IS(name)     WARD__DOSAGE__V1__STATED__IS__IS_##name

typedef Ward__Records__V1__Observation Observation;
typedef Ward__Dosage__V1__LabSeries LabSeries;
typedef Ward__Dosage__V1__Measured Measured;
typedef Ward__Dosage__V1__Answer Answer;
typedef Ward__Dosage__V1__Coding Coding;

/* Source: LOINC (https://loinc.org/<code>), long common names; HL7 International Patient
 * Summary 1.1, pregnancy status and expected delivery date. Checked 2026-11-22. */
enum says { SAYS_PREGNANCY, SAYS_BREASTFEEDING, SAYS_DUE, SAYS_WEEKS };
static const struct state_code {
    const char *loinc;
    enum says says;
} state_codes[] = {
    {"82810-3", SAYS_PREGNANCY}, /* Pregnancy status */
    {"2106-3", SAYS_PREGNANCY},  /* Choriogonadotropin (pregnancy test) in Urine */
    {"2118-8", SAYS_PREGNANCY},  /* Choriogonadotropin (pregnancy test) in Serum or Plasma */
    {"63895-7", SAYS_BREASTFEEDING}, /* Breastfeeding status - Reported */
    {"11778-8", SAYS_DUE},           /* Delivery date Estimated */
    {"11779-6", SAYS_DUE},           /* Delivery date Estimated from last menstrual period */
    {"18185-9", SAYS_WEEKS},         /* Gestational age */
    {"11884-4", SAYS_WEEKS},         /* Gestational age Estimated */
    {"49051-6", SAYS_WEEKS},         /* Gestational age in weeks */
};
const size_t facts_state_codes = WARD_COUNT(state_codes);

const char *facts_state_code(size_t i)
{
    return state_codes[i].loinc;
}

/* Source: the answer lists of these LOINC codes; HL7 International Patient Summary 1.1 for
 * their SNOMED CT equivalents. Checked 2026-11-22. */
static const struct state_answer {
    enum says says;
    const char *system, *code;
    bool yes;
} state_answers[] = {
    {SAYS_PREGNANCY, LOINC, "LA15173-0", true},      /* Pregnant */
    {SAYS_PREGNANCY, LOINC, "LA26683-5", false},     /* Not pregnant */
    {SAYS_PREGNANCY, SNOMED, "77386006", true},      /* Pregnant */
    {SAYS_PREGNANCY, SNOMED, "60001007", false},     /* Not pregnant */
    {SAYS_PREGNANCY, LOINC, "LA6576-8", true},       /* Positive */
    {SAYS_PREGNANCY, LOINC, "LA6577-6", false},      /* Negative */
    {SAYS_PREGNANCY, SNOMED, "10828004", true},      /* Positive */
    {SAYS_PREGNANCY, SNOMED, "260385009", false},    /* Negative */
    {SAYS_BREASTFEEDING, LOINC, "LA29252-6", true},  /* Currently breastfeeding */
    {SAYS_BREASTFEEDING, LOINC, "LA29253-4", false}, /* Not currently breastfeeding */
    {SAYS_BREASTFEEDING, LOINC, "LA33-6", true},     /* Yes */
    {SAYS_BREASTFEEDING, LOINC, "LA32-8", false},    /* No */
};

static enum ward_code full(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the chart");
}

/* A requested observation. */
struct lab {
    const char *loinc;
    const Record *record;
    const Observation *o;
    int64_t at_us;
};

static const char *code_of(const Observation *o, char *const *loincs, size_t n)
{
    for (size_t i = 0; o->code != NULL && i < o->code->n_coding; i++)
        for (size_t k = 0; strcmp(o->code->coding[i]->system, LOINC) == 0 && k < n; k++)
            if (strcmp(o->code->coding[i]->code, loincs[k]) == 0)
                return loincs[k];
    return NULL;
}

static bool see(const Record *r, char *const *loincs, size_t n, int64_t now_us, struct lab *out)
{
    if (r->resource == NULL || r->version == NULL || r->entered_in_error ||
        r->resource->resource_case != WARD__RECORDS__V1__RESOURCE__RESOURCE_OBSERVATION)
        return false;
    *out = (struct lab){.record = r, .o = r->resource->observation};
    out->loinc = code_of(out->o, loincs, n);
    return out->loinc != NULL && facts_observed(out->o, now_us, &out->at_us);
}

/* Sorts by code, then newest first, then by later id. */
static int by_rank(const void *a, const void *b)
{
    const struct lab *x = a, *y = b;
    int code = strcmp(x->loinc, y->loinc);

    if (code != 0)
        return code;
    if (x->at_us != y->at_us)
        return x->at_us > y->at_us ? -1 : 1;
    return strcmp(y->record->version->resource_id, x->record->version->resource_id);
}

/* ---- values ---- */

/* Common spellings of units in laboratories, with the equal UCUM unit. Source: UCUM 2.1,
 * https://ucum.org/ucum. Checked 2026-11-22. */
static const struct {
    const char *written, *ucum;
} spellings[] = {
    {"mEq/L", "meq/L"},     {"mEq/l", "meq/L"},   {"10^9/L", "10*9/L"},
    {"x10^9/L", "10*9/L"},  {"10E9/L", "10*9/L"}, {"×10^9/L", "10*9/L"},
    {"10^3/uL", "10*3/uL"}, {"K/uL", "10*3/uL"},  {"x10^3/uL", "10*3/uL"},
    {"10^3/µL", "10*3/uL"}, {"K/µL", "10*3/uL"},  {"x10E3/uL", "10*3/uL"},
    {"µmol/L", "umol/L"},   {"μmol/L", "umol/L"}, {"µg/L", "ug/L"},
    {"μg/L", "ug/L"},       {"µg/mL", "ug/mL"},   {"μg/mL", "ug/mL"},
    {"mcg/mL", "ug/mL"},    {"mcg/L", "ug/L"},    {"IU/L", "[IU]/L"},
    {"msec", "ms"},
};

/* A value without a unit is a ratio, such as an INR, and gets the unit "1". */
static const char *unit_of(const Ward__Records__V1__Quantity *q)
{
    if (*q->code != '\0')
        return q->code;
    for (size_t i = 0; i < WARD_COUNT(spellings); i++)
        if (strcmp(q->unit, spellings[i].written) == 0)
            return spellings[i].ucum;
    return *q->unit == '\0' ? "1" : q->unit;
}

static enum ward_code measured_of(const struct lab *l, struct ward_arena *mem, Measured **out,
                                  struct ward_err *err)
{
    const Ward__Records__V1__Quantity *q = l->o->value_quantity;
    Measured *m = ward_new(mem, Measured);

    if (m == NULL)
        return full(err);
    ward__dosage__v1__measured__init(m);
    WARD_TRY(facts_quantity(q->value->value, unit_of(q), mem, &m->quantity, err));
    m->at_us = l->at_us;
    m->comparator = q->comparator;
    m->record_id = l->record->version->resource_id;
    m->record_version = l->record->version->version;
    *out = m;
    return WARD_OK;
}

static bool is_value(const Observation *o)
{
    const Ward__Records__V1__Quantity *q = o->value_quantity;

    return o->value_case == VALUE(QUANTITY) && q != NULL && facts_amount(q) &&
           (*q->comparator == '\0' || *q->comparator == '<' || *q->comparator == '>');
}

/* Keeps the newest FACTS_LABS of the n values of one code. */
static enum ward_code series_of(const struct lab *l, size_t n, struct ward_arena *mem,
                                Facts *out, struct ward_err *err)
{
    LabSeries *s = ward_new(mem, LabSeries);

    if (s == NULL)
        return full(err);
    ward__dosage__v1__lab_series__init(s);
    s->loinc = (char *)(uintptr_t)l->loinc;
    s->values = ward_alloc(mem, FACTS_LABS * sizeof(*s->values));
    if (s->values == NULL)
        return full(err);
    for (size_t i = 0; i < n && s->n_values < FACTS_LABS; i++)
        if (is_value(l[i].o)) {
            WARD_TRY(measured_of(&l[i], mem, &s->values[s->n_values], err));
            s->n_values++;
        }
    if (s->n_values > 0)
        out->labs[out->n_labs++] = s;
    return WARD_OK;
}

/* ---- answers ---- */

static bool is_answer(const Observation *o)
{
    return o->value_case == VALUE(CODEABLE_CONCEPT) && o->value_codeable_concept != NULL &&
           o->value_codeable_concept->n_coding > 0;
}

static enum ward_code answer_of(const struct lab *l, struct ward_arena *mem, Facts *out,
                                struct ward_err *err)
{
    const Ward__Records__V1__CodeableConcept *c = l->o->value_codeable_concept;
    size_t n = c->n_coding < CODINGS_MAX ? c->n_coding : CODINGS_MAX;
    Answer *a = ward_new(mem, Answer);

    if (a == NULL)
        return full(err);
    ward__dosage__v1__answer__init(a);
    a->loinc = (char *)(uintptr_t)l->loinc;
    a->values = ward_alloc(mem, n * sizeof(*a->values));
    for (size_t i = 0; a->values != NULL && i < n; i++) {
        Coding *o = ward_new(mem, Coding);

        if (o == NULL)
            return full(err);
        ward__dosage__v1__coding__init(o);
        o->system = c->coding[i]->system;
        o->code = c->coding[i]->code;
        a->values[a->n_values++] = o;
    }
    if (a->values == NULL)
        return full(err);
    a->at_us = l->at_us;
    a->record_id = l->record->version->resource_id;
    a->record_version = l->record->version->version;
    out->answers[out->n_answers++] = a;
    return WARD_OK;
}

/* The newest answer of one code. */
static enum ward_code newest_answer(const struct lab *l, size_t n, struct ward_arena *mem,
                                    Facts *out, struct ward_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (is_answer(l[i].o))
            return answer_of(&l[i], mem, out, err);
    return WARD_OK;
}

/* ---- states ---- */

static const struct state_code *state_of(const char *loinc)
{
    for (size_t i = 0; i < WARD_COUNT(state_codes); i++)
        if (strcmp(state_codes[i].loinc, loinc) == 0)
            return &state_codes[i];
    return NULL;
}

/* Meaning of an answer; unspecified for "unknown" and uninterpreted answers. */
static Ward__Dosage__V1__Stated__Is stated(const Observation *o, enum says says)
{
    const Ward__Records__V1__CodeableConcept *c = o->value_codeable_concept;

    if (o->value_case == VALUE(BOOLEAN))
        return o->value_boolean ? IS(YES) : IS(NO);
    for (size_t i = 0; is_answer(o) && i < c->n_coding; i++)
        for (size_t k = 0; k < WARD_COUNT(state_answers); k++)
            if (state_answers[k].says == says &&
                strcmp(state_answers[k].system, c->coding[i]->system) == 0 &&
                strcmp(state_answers[k].code, c->coding[i]->code) == 0)
                return state_answers[k].yes ? IS(YES) : IS(NO);
    return IS(UNSPECIFIED);
}

/* Days of a gestational age; -1: no value. */
static int64_t days_of(const Observation *o)
{
    struct ward_ucum from, day;
    struct ward_decimal d, days;

    if (!is_value(o) || *o->value_quantity->comparator != '\0' ||
        ward_ucum_parse(unit_of(o->value_quantity), strlen(unit_of(o->value_quantity)), &from,
                        NULL) != WARD_OK ||
        ward_ucum_parse("d", 1, &day, NULL) != WARD_OK ||
        ward_decimal_parse(o->value_quantity->value->value,
                           strlen(o->value_quantity->value->value), &d, NULL) != WARD_OK ||
        ward_ucum_convert_round(&d, &from, &day, 0, WARD_ROUND_DOWN, &days, NULL, NULL) !=
            WARD_OK)
        return -1;
    return days.coef <= WEEKS_MOST * 7 ? (int64_t)days.coef : -1;
}

static int64_t due_of(const struct lab *l, enum says says)
{
    struct ward_fhirtime t;
    int64_t days;

    if (says == SAYS_WEEKS) {
        days = days_of(l->o);
        return days < 0 ? 0 : l->at_us + (TERM_DAYS - days) * DAY_US;
    }
    if (l->o->value_case != VALUE(DATE_TIME) ||
        ward_fhirtime_parse(WARD_FHIR_DATETIME, l->o->value_date_time,
                            strlen(l->o->value_date_time), EARLIEST_MIN, &t, NULL) != WARD_OK)
        return 0;
    return t.from_us;
}

/* Sets a state from the newest informative answer of one code. *due_at: time of the answer that
 * set the due date. */
static enum ward_code tell_state(const struct lab *l, size_t n, const struct state_code *state,
                                 int64_t *due_at, struct ward_arena *mem, Facts *out,
                                 struct ward_err *err)
{
    bool due = state->says == SAYS_DUE || state->says == SAYS_WEEKS;

    for (size_t i = 0; i < n; i++) {
        Ward__Dosage__V1__Stated__Is is = due ? IS(UNSPECIFIED) : stated(l[i].o, state->says);
        int64_t date = due ? due_of(&l[i], state->says) : 0;

        if (is != IS(UNSPECIFIED))
            return facts_state(state->says == SAYS_PREGNANCY ? &out->pregnancy
                                                             : &out->breastfeeding,
                               is, l[i].at_us, l[i].record, mem, err);
        if (date != 0 && l[i].at_us >= *due_at) {
            *due_at = l[i].at_us;
            out->due_us = date;
            return WARD_OK;
        }
    }
    return WARD_OK;
}

/* ---- all codes ---- */

static enum ward_code of_code(const struct lab *l, size_t n, int64_t *due_at,
                              struct ward_arena *mem, Facts *out, struct ward_err *err)
{
    const struct state_code *state = state_of(l->loinc);

    if (state != NULL)
        WARD_TRY(tell_state(l, n, state, due_at, mem, out, err));
    WARD_TRY(series_of(l, n, mem, out, err));
    return newest_answer(l, n, mem, out, err);
}

/* Two codes of one observation may have been requested. Only the first entry of the observation
 * remains. */
static size_t seen_once(struct lab *l, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (kept == 0 || strcmp(l[kept - 1].record->version->resource_id,
                                l[i].record->version->resource_id) != 0)
            l[kept++] = l[i];
    return kept;
}

enum ward_code facts_labs(Record *const *records, size_t n, char *const *loincs,
                          size_t n_loincs, int64_t now_us, struct ward_arena *mem, Facts *out,
                          struct ward_err *err)
{
    struct lab *seen = ward_alloc(mem, n * sizeof(*seen));
    int64_t due_at = INT64_MIN;
    size_t n_seen = 0, from = 0;

    out->labs = ward_alloc(mem, n_loincs * sizeof(*out->labs));
    out->answers = ward_alloc(mem, n_loincs * sizeof(*out->answers));
    if (seen == NULL || out->labs == NULL || out->answers == NULL)
        return full(err);
    for (size_t i = 0; i < n; i++)
        n_seen += see(records[i], loincs, n_loincs, now_us, &seen[n_seen]);
    qsort(seen, n_seen, sizeof(*seen), by_rank);
    n_seen = seen_once(seen, n_seen);
    for (size_t i = 1; i <= n_seen; i++)
        if (i == n_seen || strcmp(seen[i].loinc, seen[from].loinc) != 0) {
            WARD_TRY(of_code(&seen[from], i - from, &due_at, mem, out, err));
            from = i;
        }
    return WARD_OK;
}

size_t facts_count(Record *const *records, size_t n, char *const *loincs, size_t n_loincs,
                   const char *loinc)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        const Ward__Records__V1__Resource *res = records[i]->resource;
        const char *code = res == NULL || res->resource_case !=
                                              WARD__RECORDS__V1__RESOURCE__RESOURCE_OBSERVATION
                               ? NULL
                               : code_of(res->observation, loincs, n_loincs);

        count += code != NULL && strcmp(code, loinc) == 0;
    }
    return count;
}
