/* Home medicines: MedicationStatements of medicines that the patient takes. */
#include "services/dosage/chart/facts.h"

#include <stdlib.h>
#include <string.h>

#define CODINGS_MAX 20

typedef Ward__Dosage__V1__HomeMedicine HomeMedicine;
typedef Ward__Records__V1__MedicationStatement Statement;

#define STATUS(name)     WARD__RECORDS__V1__MEDICATION_STATEMENT__STATUS__STATUS_##name
#define MEDICATION(name) WARD__RECORDS__V1__MEDICATION_STATEMENT__MEDICATION_MEDICATION_##name

static enum ward_code full(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the home medicines");
}

/* The statuses on-hold, stopped, completed and not-taken mean that the patient does not take
 * the medicine. The decision at admission (order/home.h) is not a status. */
static bool is_taken(const Statement *s)
{
    return s->status == STATUS(ACTIVE) || s->status == STATUS(INTENDED) ||
           s->status == STATUS(UNKNOWN);
}

static const Statement *statement_of(const Record *r)
{
    const Ward__Records__V1__Resource *res = r->resource;

    if (res == NULL || r->version == NULL || r->entered_in_error ||
        res->resource_case != WARD__RECORDS__V1__RESOURCE__RESOURCE_MEDICATION_STATEMENT)
        return NULL;
    return res->medication_statement;
}

static enum ward_code add_codings(const Ward__Records__V1__CodeableConcept *c,
                                  struct ward_arena *mem, HomeMedicine *out,
                                  struct ward_err *err)
{
    out->codings = ward_alloc(mem, CODINGS_MAX * sizeof(*out->codings));
    if (out->codings == NULL)
        return full(err);
    for (size_t i = 0; i < c->n_coding && i < CODINGS_MAX; i++) {
        Ward__Dosage__V1__Coding *o = ward_new(mem, Ward__Dosage__V1__Coding);

        if (o == NULL)
            return full(err);
        ward__dosage__v1__coding__init(o);
        o->system = c->coding[i]->system;
        o->code = c->coding[i]->code;
        o->display = c->coding[i]->display;
        out->codings[out->n_codings++] = o;
    }
    out->text = c->text;
    return WARD_OK;
}

bool facts_takes(const Record *r)
{
    const Statement *s = statement_of(r);

    return s != NULL && is_taken(s);
}

enum ward_code facts_home_medicine(const Record *r, struct ward_arena *mem, HomeMedicine **out,
                                   struct ward_err *err)
{
    const Statement *s = r->resource->medication_statement;
    HomeMedicine *o = ward_new(mem, HomeMedicine);

    if (o == NULL)
        return full(err);
    ward__dosage__v1__home_medicine__init(o);
    o->record_id = r->version->resource_id;
    o->record_version = r->version->version;
    if (s->medication_case == MEDICATION(CODEABLE_CONCEPT))
        WARD_TRY(add_codings(s->medication_codeable_concept, mem, o, err));
    else if (s->medication_case == MEDICATION(REFERENCE))
        o->text = s->medication_reference->display;
    *out = o;
    return WARD_OK;
}

static int by_record(const void *a, const void *b)
{
    return strcmp((*(HomeMedicine *const *)a)->record_id,
                  (*(HomeMedicine *const *)b)->record_id);
}

enum ward_code facts_home(Record *const *records, size_t n, struct ward_arena *mem, Facts *out,
                          struct ward_err *err)
{
    out->home_medicines = ward_alloc(mem, FACTS_HOME * sizeof(HomeMedicine *));
    if (out->home_medicines == NULL)
        return full(err);
    for (size_t i = 0; i < n; i++) {
        if (!facts_takes(records[i]))
            continue;
        if (out->n_home_medicines == FACTS_HOME) {
            out->home_medicines_cut = true;
            break;
        }
        WARD_TRY(facts_home_medicine(records[i], mem,
                                     &out->home_medicines[out->n_home_medicines], err));
        out->n_home_medicines++;
    }
    qsort(out->home_medicines, out->n_home_medicines, sizeof(HomeMedicine *), by_record);
    return WARD_OK;
}
