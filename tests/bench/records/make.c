/* Resources as a hospital's: made of a number, so that every part of the bench knows them. The
 * values are made up, within what people have. */
#include "bench.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Records__V1__CodeableConcept Concept;
typedef Ward__Records__V1__Coding Coding;
typedef Ward__Records__V1__Reference Reference;
typedef Ward__Records__V1__Quantity Quantity;
typedef Ward__Records__V1__Decimal Decimal;

#define LOINC  "http://loinc.org"
#define UCUM   "http://unitsofmeasure.org"
#define ICD10  "http://hl7.org/fhir/sid/icd-10"
#define DAY_US INT64_C(86400000000)

/* LOINC codes and UCUM units of common laboratory values. Source: loinc.org. */
static const struct {
    const char *code, *display, *unit;
    double low, span;
} kinds[] = {
    {"8867-4", "Heart rate", "/min", 50, 60},
    {"8480-6", "Systolic blood pressure", "mm[Hg]", 95, 70},
    {"8462-4", "Diastolic blood pressure", "mm[Hg]", 55, 40},
    {"8310-5", "Body temperature", "Cel", 36, 3},
    {"9279-1", "Respiratory rate", "/min", 10, 15},
    {"2708-6", "Oxygen saturation in Arterial blood", "%", 90, 10},
    {"29463-7", "Body weight", "kg", 45, 70},
    {"8302-2", "Body height", "cm", 150, 45},
    {"2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL", 70, 130},
    {"2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", 0.5, 2},
    {"2951-2", "Sodium [Moles/volume] in Serum or Plasma", "mmol/L", 130, 20},
    {"2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L", 3, 3},
    {"718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 8, 9},
    {"6690-2", "Leukocytes [#/volume] in Blood", "10*3/uL", 3, 12},
    {"777-3", "Platelets [#/volume] in Blood", "10*3/uL", 100, 350},
    {"1988-5", "C reactive protein [Mass/volume] in Serum or Plasma", "mg/L", 0, 150},
};
static const char *const diagnoses[][2] = {
    {"I10", "Essential (primary) hypertension"},
    {"E11", "Type 2 diabetes mellitus"},
    {"J18", "Pneumonia, organism unspecified"},
    {"I50", "Heart failure"},
    {"N18", "Chronic kidney disease"},
    {"J44", "Chronic obstructive pulmonary disease"},
    {"K80", "Cholelithiasis"},
    {"S72", "Fracture of femur"},
};
static const char *const beginnings[] = {"Ber", "Lin", "Mar", "Kov",
                                         "San", "Oka", "Nov", "Wal"};
static const char *const middles[] = {"an", "der", "co", "mi", "tel", "ro", "ga", "shi"};
static const char *const ends[] = {"ov", "sen", "ez", "ura", "mann", "ini", "ski", "ley"};

static void *make(struct ward_arena *mem, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *m = ward_alloc(mem, type->sizeof_message);

    WARD_ASSERT(m != NULL);
    protobuf_c_message_init(type, m);
    return m;
}
#define MAKE(type) make(mem, &ward__records__v1__##type##__descriptor)

static char *text(struct ward_arena *mem, const char *s)
{
    char *copy = ward_strdup(mem, s);

    WARD_ASSERT(copy != NULL);
    return copy;
}

static Concept *concept(struct ward_arena *mem, const char *system, const char *code,
                        const char *display)
{
    Concept *c = MAKE(codeable_concept);
    Coding *coding = MAKE(coding);

    coding->system = text(mem, system);
    coding->code = text(mem, code);
    coding->display = text(mem, display);
    c->coding = ward_alloc(mem, sizeof(Coding *));
    c->coding[0] = coding;
    c->n_coding = 1;
    return c;
}

static Reference *reference(struct ward_arena *mem, const char *type, uint64_t n)
{
    Reference *r = MAKE(reference);
    uint8_t id[16];
    char uuid[37];

    uuid_of(n, id);
    ward_uuid_text(id, uuid);
    r->reference = ward_printf(mem, "%s/%s", type, uuid);
    return r;
}

static char *id_of(struct ward_arena *mem, uint64_t n)
{
    uint8_t id[16];
    char uuid[37];

    uuid_of(n, id);
    ward_uuid_text(id, uuid);
    return text(mem, uuid);
}

static char *moment(struct ward_arena *mem, int64_t us)
{
    char at[28];

    ward_rfc3339(us, at);
    return ward_printf(mem, "%.19sZ", at);
}

const char *observation_code(uint64_t k)
{
    return kinds[k % WARD_COUNT(kinds)].code;
}

const char *family_of(uint64_t n)
{
    static _Thread_local char name[32];
    uint64_t r = mix(n ^ 0xfa);

    snprintf(name, sizeof(name), "%s%s%s", beginnings[r % 8], middles[(r >> 8) % 8],
             ends[(r >> 16) % 8]);
    return name;
}

Resource *make_patient(struct ward_arena *mem, uint64_t n)
{
    Resource *res = MAKE(resource);
    Ward__Records__V1__Patient *p = MAKE(patient);
    Ward__Records__V1__HumanName *name = MAKE(human_name);
    Ward__Records__V1__Identifier *identifier = MAKE(identifier);
    uint64_t r = mix(n);

    p->id = id_of(mem, n);
    name->family = text(mem, family_of(n));
    name->given = ward_alloc(mem, sizeof(char *));
    name->given[0] = ward_printf(mem, "%s%s", middles[(r >> 4) % 8], ends[(r >> 12) % 8]);
    name->n_given = 1;
    p->name = ward_alloc(mem, sizeof(name));
    p->name[0] = name;
    p->n_name = 1;
    identifier->system = text(mem, "urn:bench:mrn");
    identifier->value = ward_printf(mem, "MRN%09llu", (unsigned long long)n);
    p->identifier = ward_alloc(mem, sizeof(identifier));
    p->identifier[0] = identifier;
    p->n_identifier = 1;
    p->gender = (Ward__Records__V1__AdministrativeGender)(1 + r % 2);
    p->birth_date = ward_printf(mem, "%04d-%02d-%02d", (int)(1930 + r % 90),
                                (int)(1 + (r >> 8) % 12), (int)(1 + (r >> 16) % 28));
    res->resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_PATIENT;
    res->patient = p;
    return res;
}

Resource *make_encounter(struct ward_arena *mem, uint64_t n, bool open)
{
    Resource *res = MAKE(resource);
    Ward__Records__V1__Encounter *e = MAKE(encounter);
    Ward__Records__V1__Encounter__Location *at = MAKE(encounter__location);

    e->id = id_of(mem, n | (UINT64_C(1) << 40));
    e->status = open ? WARD__RECORDS__V1__ENCOUNTER__STATUS__STATUS_IN_PROGRESS
                     : WARD__RECORDS__V1__ENCOUNTER__STATUS__STATUS_FINISHED;
    e->class_ = MAKE(coding);
    e->class_->system = text(mem, "http://terminology.hl7.org/CodeSystem/v3-ActCode");
    e->class_->code = text(mem, "IMP");
    e->subject = reference(mem, "Patient", n);
    at->location = MAKE(reference);
    at->location->reference = ward_printf(mem, "Location/ward-%d", (int)(n % WARDS));
    e->location = ward_alloc(mem, sizeof(at));
    e->location[0] = at;
    e->n_location = 1;
    res->resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_ENCOUNTER;
    res->encounter = e;
    return res;
}

Resource *make_observation(struct ward_arena *mem, uint64_t n, uint64_t k, int64_t now_us)
{
    Resource *res = MAKE(resource);
    Ward__Records__V1__Observation *o = MAKE(observation);
    uint64_t r = mix(n * 1000003 + k);
    size_t kind = k % WARD_COUNT(kinds);
    double value = kinds[kind].low + kinds[kind].span * (double)(r % 1000) / 1000;

    o->status = WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_FINAL;
    o->category = ward_alloc(mem, sizeof(Concept *));
    o->category[0] = concept(mem, "http://terminology.hl7.org/CodeSystem/observation-category",
                             kind < 8 ? "vital-signs" : "laboratory", "");
    o->n_category = 1;
    o->code = concept(mem, LOINC, kinds[kind].code, kinds[kind].display);
    o->subject = reference(mem, "Patient", n);
    o->effective_case = WARD__RECORDS__V1__OBSERVATION__EFFECTIVE_EFFECTIVE_DATE_TIME;
    o->effective_date_time = moment(mem, now_us - (int64_t)(r % 2000) * DAY_US / 2);
    o->value_case = WARD__RECORDS__V1__OBSERVATION__VALUE_VALUE_QUANTITY;
    o->value_quantity = MAKE(quantity);
    o->value_quantity->value = MAKE(decimal);
    o->value_quantity->value->value = ward_printf(mem, "%.1f", value);
    o->value_quantity->unit = text(mem, kinds[kind].unit);
    o->value_quantity->system = text(mem, UCUM);
    o->value_quantity->code = text(mem, kinds[kind].unit);
    res->resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_OBSERVATION;
    res->observation = o;
    return res;
}

Resource *make_condition(struct ward_arena *mem, uint64_t n, uint64_t k)
{
    Resource *res = MAKE(resource);
    Ward__Records__V1__Condition *c = MAKE(condition);
    size_t which = mix(n + k * 7919) % WARD_COUNT(diagnoses);

    c->clinical_status = concept(
        mem, "http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "Active");
    c->code = concept(mem, ICD10, diagnoses[which][0], diagnoses[which][1]);
    c->subject = reference(mem, "Patient", n);
    c->onset_case = WARD__RECORDS__V1__CONDITION__ONSET_ONSET_DATE_TIME;
    c->onset_date_time =
        ward_printf(mem, "%d-%02d", (int)(2010 + mix(n) % 16), (int)(1 + mix(n ^ k) % 12));
    res->resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_CONDITION;
    res->condition = c;
    return res;
}
