#include "services/dosage/chart/facts.h"

#include "common/measure/fhirtime.h"
#include "services/dosage/rules.h"

#include <stdlib.h>
#include <string.h>

#define EARLIEST_MIN 840 /* a time without a zone means its earliest moment: UTC+14 */
/* tolerance for the start of a stay, as in records */
#define EARLY_US    (900 * WARD_US_PER_SECOND)
#define TEXT_MAX    1000 /* maximum bytes of an allergy's text */
#define CODINGS_MAX 40   /* codings of one allergy, with its reactions */

#define CLINICAL       "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
#define VERIFICATION   "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
#define GENDER(name)   WARD__RECORDS__V1__ADMINISTRATIVE_GENDER__ADMINISTRATIVE_GENDER_##name
#define STAY(name)     WARD__RECORDS__V1__ENCOUNTER__STATUS__STATUS_##name
#define AT_PLACE(name) WARD__RECORDS__V1__ENCOUNTER__LOCATION_STATUS__LOCATION_STATUS_##name

typedef Ward__Records__V1__CodeableConcept Concept;
typedef Ward__Records__V1__AllergyIntolerance Entry;
typedef Ward__Records__V1__Encounter Encounter;
typedef Ward__Dosage__V1__Allergy Allergy;

static char *lent(const char *s)
{
    return (char *)(uintptr_t)s;
}

static enum ward_code full(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the chart");
}

/* ---- the person and the ward ---- */

void facts_patient(const Ward__Records__V1__Patient *p, Facts *out)
{
    out->birth_date = p->birth_date;
    switch (p->gender) {
    case GENDER(FEMALE):
        out->sex = WARD__DOSAGE__V1__SEX__SEX_FEMALE;
        break;
    case GENDER(MALE):
        out->sex = WARD__DOSAGE__V1__SEX__SEX_MALE;
        break;
    case GENDER(OTHER):
        out->sex = WARD__DOSAGE__V1__SEX__SEX_OTHER;
        break;
    default:
        out->sex = WARD__DOSAGE__V1__SEX__SEX_UNSPECIFIED;
    }
}

/* Whether a period includes now_us. A day without a zone counts anywhere in the world, as in
 * records. *from_us: the start of the period. */
static bool lasts(const Ward__Records__V1__Period *p, int64_t now_us, int64_t *from_us)
{
    struct ward_fhirtime t;

    *from_us = INT64_MIN;
    if (p == NULL)
        return true;
    if (*p->start != '\0') {
        if (ward_fhirtime_parse(WARD_FHIR_DATETIME, p->start, strlen(p->start), EARLIEST_MIN,
                                &t, NULL) != WARD_OK)
            return false;
        *from_us = t.from_us;
        if (t.from_us > now_us + EARLY_US)
            return false;
    }
    if (*p->end == '\0')
        return true;
    return ward_fhirtime_parse(WARD_FHIR_DATETIME, p->end, strlen(p->end), -720, &t, NULL) ==
               WARD_OK &&
           t.to_us > now_us;
}

static bool is_open(const Encounter *e)
{
    return e->status == STAY(ARRIVED) || e->status == STAY(TRIAGED) ||
           e->status == STAY(IN_PROGRESS) || e->status == STAY(ONLEAVE);
}

static const char *ward_of(const Ward__Records__V1__Encounter__Location *l)
{
    static const char PREFIX[] = "Location/";

    if (l->status == AT_PLACE(PLANNED) || l->status == AT_PLACE(RESERVED) ||
        l->status == AT_PLACE(COMPLETED) || l->location == NULL ||
        strncmp(l->location->reference, PREFIX, strlen(PREFIX)) != 0)
        return NULL;
    return rule_is_ward(l->location->reference + strlen(PREFIX))
               ? l->location->reference + strlen(PREFIX)
               : NULL;
}

struct stay {
    const char *ward;
    bool own;
    int64_t from_us;
};

static void look_at(const Encounter *e, const char *own, int64_t now_us, struct stay *best)
{
    int64_t from_us, place_us;

    if (!is_open(e) || !lasts(e->period, now_us, &from_us))
        return;
    for (size_t i = 0; i < e->n_location; i++) {
        struct stay s = {.ward = ward_of(e->location[i]), .from_us = from_us};

        if (s.ward == NULL || !lasts(e->location[i]->period, now_us, &place_us))
            continue;
        s.own = strcmp(s.ward, own) == 0;
        s.from_us = place_us > from_us ? place_us : from_us;
        if (best->ward == NULL || s.own > best->own ||
            (s.own == best->own && s.from_us > best->from_us))
            *best = s;
    }
}

void facts_ward(Record *const *records, size_t n, const char *own, int64_t now_us, Facts *out)
{
    struct stay best = {0};

    for (size_t i = 0; i < n; i++)
        if (records[i]->resource != NULL && records[i]->resource->encounter != NULL &&
            records[i]->resource->resource_case ==
                WARD__RECORDS__V1__RESOURCE__RESOURCE_ENCOUNTER)
            look_at(records[i]->resource->encounter, own, now_us, &best);
    out->ward = lent(best.ward == NULL ? "" : best.ward);
}

/* ---- allergies ---- */

static bool says(const Concept *c, const char *system, const char *code)
{
    for (size_t i = 0; c != NULL && i < c->n_coding; i++)
        if ((strcmp(c->coding[i]->system, system) == 0 || *c->coding[i]->system == '\0') &&
            strcmp(c->coding[i]->code, code) == 0)
            return true;
    return false;
}

/* Whether an unknown modifierExtension or unknown implicitRules may change the entry's
 * meaning. */
static bool modified(const Entry *a)
{
    return a->n_modifier_extension > 0 || *a->implicit_rules != '\0';
}

/* An unknown modifier may change the meaning of a status: only an error stays one. */
static bool stands(const Entry *a)
{
    if (modified(a))
        return !says(a->verification_status, VERIFICATION, "entered-in-error");
    return !says(a->clinical_status, CLINICAL, "inactive") &&
           !says(a->clinical_status, CLINICAL, "resolved") &&
           !says(a->verification_status, VERIFICATION, "refuted") &&
           !says(a->verification_status, VERIFICATION, "entered-in-error");
}

/* A concept's codings and text. */
struct said {
    Ward__Dosage__V1__Coding **codings;
    size_t n_codings;
    char *text;
};

static enum ward_code codings_of(const Concept *c, size_t *left, struct ward_arena *mem,
                                 struct said *out, struct ward_err *err)
{
    out->codings = ward_alloc(mem, c->n_coding * sizeof(*out->codings));
    if (out->codings == NULL)
        return full(err);
    for (size_t i = 0; i<c->n_coding && * left> 0; i++, (*left)--) {
        Ward__Dosage__V1__Coding *o = ward_new(mem, Ward__Dosage__V1__Coding);

        if (o == NULL)
            return full(err);
        ward__dosage__v1__coding__init(o);
        o->system = c->coding[i]->system;
        o->code = c->coding[i]->code;
        o->display = c->coding[i]->display;
        out->codings[out->n_codings++] = o;
    }
    return WARD_OK;
}

/* Whether an entry has more text or codings than the limit. An omitted coding may be
 * important. */
static bool too_much(const Entry *a)
{
    size_t n = a->code == NULL ? 0 : a->code->n_coding;
    bool cut = a->code != NULL && strlen(a->code->text) > TEXT_MAX;

    for (size_t i = 0; i < a->n_reaction; i++)
        if (a->reaction[i]->substance != NULL) {
            n += a->reaction[i]->substance->n_coding;
            cut = cut || strlen(a->reaction[i]->substance->text) > TEXT_MAX;
        }
    return cut || n > CODINGS_MAX;
}

static bool says_something(const Concept *c)
{
    return c != NULL && (c->n_coding > 0 || *c->text != '\0');
}

static bool names_substance(const Entry *a)
{
    for (size_t i = 0; i < a->n_reaction; i++)
        if (says_something(a->reaction[i]->substance))
            return true;
    return false;
}

/* Whether an entry has at least one coding, and all its codings deny allergies: at least one
 * about drugs, or with `nothing` none about drugs. A concept with other codings is an
 * allergy. */
static bool denies(const Entry *a, bool nothing)
{
    const Concept *c = a->code;
    size_t known = 0;

    if (c == NULL || c->n_coding == 0 || modified(a) || names_substance(a))
        return false;
    for (size_t i = 0; i < c->n_coding; i++) {
        bool none = facts_none_known(c->coding[i]->system, c->coding[i]->code);

        if (!none && !facts_says_nothing(c->coding[i]->system, c->coding[i]->code))
            return false;
        known += none;
    }
    return nothing ? known == 0 : known > 0;
}

/* Whether an entry is irrelevant for drugs: "no known food allergy" without further text. */
static bool says_nothing(const Entry *a)
{
    if (!denies(a, true))
        return false;
    for (size_t i = 0; i < a->code->n_coding; i++)
        if (strcmp(a->code->coding[i]->display, a->code->text) == 0)
            return true;
    return *a->code->text == '\0';
}

/* Copies at most TEXT_MAX bytes, and no partial character. */
static char *cut(struct ward_arena *mem, const char *s)
{
    char *out = ward_strdup(mem, s);
    size_t n = strlen(s);

    if (out == NULL || n <= TEXT_MAX)
        return out;
    n = TEXT_MAX;
    while (n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80)
        n--;
    out[n] = '\0';
    return out;
}

static enum ward_code say_all(const Concept *c, size_t *left, struct ward_arena *mem,
                              struct said *out, struct ward_err *err)
{
    *out = (struct said){.text = lent("")};
    if (c == NULL)
        return WARD_OK;
    WARD_TRY(codings_of(c, left, mem, out, err));
    out->text = cut(mem, c->text);
    return out->text == NULL ? full(err) : WARD_OK;
}

/* The substance of a reaction is often more precise than the entry: a drug instead of its
 * class. */
static enum ward_code substances_of(const Entry *a, size_t *left, struct ward_arena *mem,
                                    Allergy *out, struct ward_err *err)
{
    out->substances = ward_alloc(mem, a->n_reaction * sizeof(*out->substances));
    if (out->substances == NULL)
        return full(err);
    for (size_t i = 0; i < a->n_reaction; i++) {
        Ward__Dosage__V1__AllergySubstance *s;
        struct said said;

        if (!says_something(a->reaction[i]->substance))
            continue;
        s = ward_new(mem, Ward__Dosage__V1__AllergySubstance);
        if (s == NULL)
            return full(err);
        ward__dosage__v1__allergy_substance__init(s);
        WARD_TRY(say_all(a->reaction[i]->substance, left, mem, &said, err));
        s->codings = said.codings;
        s->n_codings = said.n_codings;
        s->text = said.text;
        out->substances[out->n_substances++] = s;
    }
    return WARD_OK;
}

/* Whether an entry has only food and environmental allergens, without any indication of a
 * drug. */
static bool no_medication(const Entry *a)
{
    for (size_t i = 0; i < a->n_category; i++)
        if (a->category[i] != WARD__RECORDS__V1__ALLERGY_INTOLERANCE__CATEGORY__CATEGORY_FOOD &&
            a->category[i] !=
                WARD__RECORDS__V1__ALLERGY_INTOLERANCE__CATEGORY__CATEGORY_ENVIRONMENT)
            return false;
    return a->n_category > 0;
}

static enum ward_code allergy_of(const Record *r, const Entry *a, struct ward_arena *mem,
                                 Allergy **out, struct ward_err *err)
{
    Allergy *o = ward_new(mem, Allergy);
    size_t left = CODINGS_MAX;
    struct said said;

    if (o == NULL)
        return full(err);
    ward__dosage__v1__allergy__init(o);
    WARD_TRY(say_all(a->code, &left, mem, &said, err));
    o->codings = said.codings;
    o->n_codings = said.n_codings;
    o->text = said.text;
    WARD_TRY(substances_of(a, &left, mem, o, err));
    o->no_known = denies(a, false);
    o->high_criticality =
        a->criticality == WARD__RECORDS__V1__ALLERGY_INTOLERANCE__CRITICALITY__CRITICALITY_HIGH;
    o->no_medication = no_medication(a);
    o->record_id = r->version->resource_id;
    o->record_version = r->version->version;
    *out = o;
    return WARD_OK;
}

static int by_record(const void *a, const void *b)
{
    return strcmp((*(Allergy *const *)a)->record_id, (*(Allergy *const *)b)->record_id);
}

enum ward_code facts_allergies(Record *const *records, size_t n, struct ward_arena *mem,
                               Facts *out, struct ward_err *err)
{
    out->allergies = ward_alloc(mem, FACTS_ALLERGIES * sizeof(*out->allergies));
    if (out->allergies == NULL)
        return full(err);
    for (size_t i = 0; i < n; i++) {
        const Ward__Records__V1__Resource *res = records[i]->resource;

        if (res == NULL || records[i]->version == NULL || records[i]->entered_in_error ||
            res->resource_case != WARD__RECORDS__V1__RESOURCE__RESOURCE_ALLERGY_INTOLERANCE ||
            !stands(res->allergy_intolerance) || says_nothing(res->allergy_intolerance))
            continue;
        if (out->n_allergies == FACTS_ALLERGIES) {
            out->allergies_cut = true;
            break;
        }
        WARD_TRY(allergy_of(records[i], res->allergy_intolerance, mem,
                            &out->allergies[out->n_allergies], err));
        out->n_allergies++;
        out->allergies_cut = out->allergies_cut || too_much(res->allergy_intolerance);
    }
    qsort(out->allergies, out->n_allergies, sizeof(*out->allergies), by_record);
    return WARD_OK;
}
