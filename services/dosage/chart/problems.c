/* Converts conditions to active problems, and to the state of pregnancy. */
#include "services/dosage/chart/facts.h"

#include "common/measure/fhirtime.h"

#include <stdlib.h>
#include <string.h>

#define EARLIEST_MIN 840  /* a time without a zone means its earliest moment: UTC+14 */
#define LATEST_MIN   -720 /* a time without a zone means its latest moment: UTC-12 */
#define TEXT_MAX     200
#define CODINGS_MAX  20 /* maximum codings of one problem */

#define CLINICAL     "http://terminology.hl7.org/CodeSystem/condition-clinical"
#define VERIFICATION "http://terminology.hl7.org/CodeSystem/condition-ver-status"
#define SNOMED       "http://snomed.info/sct"
#define ICD10        "http://hl7.org/fhir/sid/icd-10"

typedef Ward__Records__V1__Condition Condition;
typedef Ward__Records__V1__CodeableConcept Concept;
typedef Ward__Dosage__V1__Problem Problem;
typedef Ward__Dosage__V1__Coding Coding;
typedef Ward__Dosage__V1__Stated Stated;

static enum ward_code full(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the chart");
}

/* ---- selection of conditions ---- */

static bool says(const Concept *c, const char *system, const char *code)
{
    for (size_t i = 0; c != NULL && i < c->n_coding; i++)
        if ((strcmp(c->coding[i]->system, system) == 0 || *c->coding[i]->system == '\0') &&
            strcmp(c->coding[i]->code, code) == 0)
            return true;
    return false;
}

/* The first moment (first_of) and the last moment (last_of) that a text allows; 0: no
 * moment. */
static int64_t first_of(const char *text)
{
    struct ward_fhirtime t;

    return ward_fhirtime_parse(WARD_FHIR_DATETIME, text, strlen(text), EARLIEST_MIN, &t,
                               NULL) == WARD_OK
               ? t.from_us
               : 0;
}

static int64_t last_of(const char *text)
{
    struct ward_fhirtime t;

    return ward_fhirtime_parse(WARD_FHIR_DATETIME, text, strlen(text), LATEST_MIN, &t, NULL) ==
                   WARD_OK
               ? t.to_us - 1
               : 0;
}

/* An end given as an age or as text counts; a dated end counts only after its date. */
static bool ended(const Condition *c, int64_t now_us)
{
    const char *end = "";

    switch (c->abatement_case) {
    case WARD__RECORDS__V1__CONDITION__ABATEMENT__NOT_SET:
        return false;
    case WARD__RECORDS__V1__CONDITION__ABATEMENT_ABATEMENT_DATE_TIME:
        end = c->abatement_date_time;
        break;
    case WARD__RECORDS__V1__CONDITION__ABATEMENT_ABATEMENT_PERIOD:
        end = c->abatement_period == NULL ? "" : c->abatement_period->end;
        break;
    default:
        return true;
    }
    return *end != '\0' && last_of(end) <= now_us;
}

static bool is_active(const Condition *c, int64_t now_us)
{
    return !says(c->clinical_status, CLINICAL, "inactive") &&
           !says(c->clinical_status, CLINICAL, "resolved") &&
           !says(c->verification_status, VERIFICATION, "refuted") &&
           !says(c->verification_status, VERIFICATION, "entered-in-error") && !ended(c, now_us);
}

static int64_t began(const Condition *c)
{
    if (c->onset_case == WARD__RECORDS__V1__CONDITION__ONSET_ONSET_DATE_TIME)
        return last_of(c->onset_date_time);
    if (c->onset_case == WARD__RECORDS__V1__CONDITION__ONSET_ONSET_PERIOD &&
        c->onset_period != NULL)
        return last_of(c->onset_period->start);
    return 0;
}

/* ---- one problem ---- */

static enum ward_code add_codings(const Concept *c, struct ward_arena *mem, Problem *out,
                                  struct ward_err *err)
{
    size_t n = c == NULL ? 0 : c->n_coding < CODINGS_MAX ? c->n_coding : CODINGS_MAX;

    out->codings = ward_alloc(mem, n * sizeof(*out->codings));
    if (out->codings == NULL)
        return full(err);
    for (size_t i = 0; i < n; i++) {
        Coding *o = ward_new(mem, Coding);

        if (o == NULL)
            return full(err);
        ward__dosage__v1__coding__init(o);
        o->system = c->coding[i]->system;
        o->code = c->coding[i]->code;
        out->codings[out->n_codings++] = o;
    }
    return WARD_OK;
}

/* Copies at most TEXT_MAX bytes, and no partial character. */
static char *cut(struct ward_arena *mem, const char *s)
{
    char *out = ward_strdup(mem, s);
    size_t n = strlen(s);

    if (out == NULL || n <= TEXT_MAX)
        return out;
    for (n = TEXT_MAX; n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80; n--)
        ;
    out[n] = '\0';
    return out;
}

static enum ward_code problem_of(const Record *r, const Condition *c, struct ward_arena *mem,
                                 Problem **out, struct ward_err *err)
{
    Problem *o = ward_new(mem, Problem);

    if (o == NULL)
        return full(err);
    ward__dosage__v1__problem__init(o);
    WARD_TRY(add_codings(c->code, mem, o, err));
    if (o->n_codings == 0 && c->code != NULL) {
        o->text = cut(mem, c->code->text);
        if (o->text == NULL)
            return full(err);
    }
    o->began_us = began(c);
    o->record_id = r->version->resource_id;
    o->record_version = r->version->version;
    *out = o;
    return WARD_OK;
}

static bool same_codes(const Problem *a, const Problem *b)
{
    if (a->n_codings == 0 || a->n_codings != b->n_codings)
        return false;
    for (size_t i = 0; i < a->n_codings; i++)
        if (strcmp(a->codings[i]->system, b->codings[i]->system) != 0 ||
            strcmp(a->codings[i]->code, b->codings[i]->code) != 0)
            return false;
    return true;
}

/* A diagnosis is charted at every visit, but only its first entry is stored. */
static bool is_held(const Facts *f, const Problem *p)
{
    for (size_t i = 0; i < f->n_problems; i++)
        if (same_codes(f->problems[i], p))
            return true;
    return false;
}

/* ---- pregnancies ---- */

/* ICD-10: O10 to O48 and O60 to O77 mean an ongoing pregnancy or labour; Z33 pregnant state
 * (Z33.2 in ICD-10-CM is its termination), Z34 and Z35 supervision, Z3A weeks (ICD-10-CM).
 * Source: WHO ICD-10 version 2019, chapters XV and XXI; CDC ICD-10-CM 2024, section Z. Checked
 * 2026-11-22. */
static bool is_pregnant_icd(const char *code)
{
    int n;

    if (strncmp(code, "Z33", 3) == 0)
        return strncmp(code, "Z33.2", 5) != 0 && strncmp(code, "Z332", 4) != 0;
    if (strncmp(code, "Z34", 3) == 0 || strncmp(code, "Z35", 3) == 0 ||
        strncmp(code, "Z3A", 3) == 0)
        return true;
    if (*code != 'O' || code[1] < '0' || code[1] > '9' || code[2] < '0' || code[2] > '9')
        return false;
    n = (code[1] - '0') * 10 + code[2] - '0';
    return (n >= 10 && n <= 48) || (n >= 60 && n <= 77);
}

static bool is_icd(const char *system)
{
    return strncmp(system, ICD10, strlen(ICD10)) == 0;
}

/* The code 77386006 means pregnant. Source: HL7 International Patient Summary 1.1, pregnancy
 * status. Z39.1 means care and examination of a lactating mother (ICD-10 and ICD-10-CM).
 * Checked 2026-11-22. */
static bool is_pregnant(const Coding *c)
{
    return (strcmp(c->system, SNOMED) == 0 && strcmp(c->code, "77386006") == 0) ||
           (is_icd(c->system) && is_pregnant_icd(c->code));
}

static bool is_breastfeeding(const Coding *c)
{
    return is_icd(c->system) && (strcmp(c->code, "Z39.1") == 0 || strcmp(c->code, "Z391") == 0);
}

enum ward_code facts_state(Stated **state, Ward__Dosage__V1__Stated__Is is, int64_t at_us,
                           const Record *r, struct ward_arena *mem, struct ward_err *err)
{
    if (*state != NULL && (*state)->at_us > at_us)
        return WARD_OK;
    if (*state == NULL)
        *state = ward_new(mem, Stated);
    if (*state == NULL)
        return full(err);
    ward__dosage__v1__stated__init(*state);
    (*state)->is = is;
    (*state)->at_us = at_us;
    (*state)->record_id = r->version->resource_id;
    (*state)->record_version = r->version->version;
    return WARD_OK;
}

/* Time of the statement, in this order of preference: onset, recorded time, time of writing. */
static int64_t said_at(const Record *r, const Condition *c)
{
    int64_t at = *c->recorded_date == '\0' ? 0 : first_of(c->recorded_date);

    if (at == 0)
        at = began(c);
    return at == 0 ? r->version->written_at_us : at;
}

static enum ward_code states_of(const Record *r, const Condition *c, const Problem *p,
                                struct ward_arena *mem, Facts *out, struct ward_err *err)
{
    const Ward__Dosage__V1__Stated__Is yes = WARD__DOSAGE__V1__STATED__IS__IS_YES;

    for (size_t i = 0; i < p->n_codings; i++) {
        if (is_pregnant(p->codings[i]))
            WARD_TRY(facts_state(&out->pregnancy, yes, said_at(r, c), r, mem, err));
        if (is_breastfeeding(p->codings[i]))
            WARD_TRY(facts_state(&out->breastfeeding, yes, said_at(r, c), r, mem, err));
    }
    return WARD_OK;
}

/* ---- all conditions ---- */

static int by_record(const void *a, const void *b)
{
    return strcmp((*(Problem *const *)a)->record_id, (*(Problem *const *)b)->record_id);
}

static const Condition *condition_of(const Record *r)
{
    const Ward__Records__V1__Resource *res = r->resource;

    if (res == NULL || r->version == NULL || r->entered_in_error ||
        res->resource_case != WARD__RECORDS__V1__RESOURCE__RESOURCE_CONDITION)
        return NULL;
    return res->condition;
}

enum ward_code facts_problems(Record *const *records, size_t n, int64_t now_us,
                              struct ward_arena *mem, Facts *out, struct ward_err *err)
{
    out->problems = ward_alloc(mem, FACTS_PROBLEMS * sizeof(*out->problems));
    if (out->problems == NULL)
        return full(err);
    for (size_t i = 0; i < n; i++) {
        const Condition *c = condition_of(records[i]);
        Problem *p = NULL;

        if (c == NULL || !is_active(c, now_us))
            continue;
        WARD_TRY(problem_of(records[i], c, mem, &p, err));
        WARD_TRY(states_of(records[i], c, p, mem, out, err));
        if (is_held(out, p))
            continue;
        if (out->n_problems == FACTS_PROBLEMS) {
            out->problems_cut = true;
            break;
        }
        out->problems[out->n_problems++] = p;
    }
    qsort(out->problems, out->n_problems, sizeof(*out->problems), by_record);
    return WARD_OK;
}
