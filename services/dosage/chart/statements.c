#include "services/dosage/chart/statements.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "services/dosage/chart/ask.h"
#include "services/dosage/chart/chart_own.h"

#include <string.h>

#define KIND(name)      WARD__RECORDS__V1__KIND__KIND_##name
#define PARAMETERS_MOST 2
#define WAIT_MS         2000

typedef Ward__Records__V1__SearchRequest SearchRequest;
typedef Ward__Records__V1__SearchResponse SearchResponse;
typedef Ward__Records__V1__Parameter Parameter;
typedef Ward__Records__V1__GetWardsRequest GetWardsRequest;
typedef Ward__Records__V1__GetWardsResponse GetWardsResponse;

static enum ward_code no_memory(struct ward_call *c)
{
    return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the home medicines");
}

/* ---- searches ---- */

struct question {
    SearchRequest req;
    Parameter parameters[PARAMETERS_MOST];
    Parameter *all[PARAMETERS_MOST];
};

static void begin(struct question *q, int page)
{
    ward__records__v1__search_request__init(&q->req);
    q->req.kind = KIND(MEDICATION_STATEMENT);
    q->req.page_size = page;
    q->req.parameters = q->all;
}

static void by(struct question *q, const char *name, char **values, size_t n)
{
    Parameter *p = &q->parameters[q->req.n_parameters];

    ward__records__v1__parameter__init(p);
    p->name = (char *)(uintptr_t)name;
    p->values = values;
    p->n_values = n;
    q->all[q->req.n_parameters++] = p;
}

static enum ward_code search(struct ward_call *c, const struct question *q,
                             SearchResponse **out)
{
    static const char PATH[] = "/ward.records.v1.Records/Search";
    ProtobufCMessage *msg;

    WARD_TRY(ask_records(c, PATH, &q->req.base, &ward__records__v1__search_response__descriptor,
                         &msg));
    *out = (SearchResponse *)msg;
    return WARD_OK;
}

/* Converts a record. *is: the record is a statement with valid ids. */
static enum ward_code read(struct ward_call *c, const Record *r, struct statement *out,
                           bool *is)
{
    struct worker *w = c->wrk;
    uint8_t written[DOSAGE_ID];

    *out = (struct statement){.taken = facts_takes(r)};
    *is = r->version != NULL && r->resource != NULL &&
          r->resource->resource_case ==
              WARD__RECORDS__V1__RESOURCE__RESOURCE_MEDICATION_STATEMENT &&
          ward_uuid_parse(r->version->resource_id, out->id) &&
          ward_uuid_parse(r->version->patient_id, written);
    if (!*is)
        return WARD_OK;
    merges_root(w->dos->charts->merges, written, out->patient);
    ward_uuid_text(out->patient, out->patient_text);
    return facts_home_medicine(r, c->mem, &out->medicine, c->err);
}

/* ---- one statement ---- */

enum ward_code statement_find(struct ward_call *c, const struct chart *of,
                              const uint8_t id[DOSAGE_ID], struct statement *out)
{
    char text[37], *which = text, *whose = (char *)(uintptr_t)of->text;
    SearchResponse *resp;
    struct question q;
    bool is = false;

    ward_uuid_text(id, text);
    begin(&q, 1);
    by(&q, "patient", &whose, 1);
    by(&q, "_id", &which, 1);
    WARD_TRY(search(c, &q, &resp));
    if (resp->n_records > 0)
        WARD_TRY(read(c, resp->records[0], out, &is));
    if (!is || memcmp(out->id, id, DOSAGE_ID) != 0)
        return WARD_FAIL_REASON(c->err, NOT_FOUND, "HOME_MEDICINE_NOT_FOUND",
                                "the patient has no such statement");
    return WARD_OK;
}

/* ---- pages ---- */

/* Reads the current wards of the patients, in the order of the patients. records is called
 * without a person, as for transfers, because records has already decided on the person's
 * access to the statements. */
static enum ward_code wards_of(struct ward_call *c, const struct statement *all, size_t n,
                               const GetWardsResponse **out)
{
    static const char PATH[] = "/ward.records.v1.Feed/GetWards";
    int64_t left = ward_left_ms(c->deadline_ns) / 2;
    struct ward_out with = {.deadline_ns = ward_mono_ns() +
                                           (left < WAIT_MS ? left : WAIT_MS) * WARD_NS_PER_MS};
    GetWardsRequest req = WARD__RECORDS__V1__GET_WARDS_REQUEST__INIT;
    struct worker *w = c->wrk;
    ProtobufCMessage *msg;

    req.patient_ids = ward_alloc(c->mem, n * sizeof(char *));
    if (req.patient_ids == NULL)
        return no_memory(c);
    for (; req.n_patient_ids < n; req.n_patient_ids++)
        req.patient_ids[req.n_patient_ids] =
            (char *)(uintptr_t)all[req.n_patient_ids].patient_text;
    WARD_TRY(ask_meant(c, ward_client_call(w->dos->records, PATH, &with, &req.base,
                                           &ward__records__v1__get_wards_response__descriptor,
                                           &msg, c->mem, c->err)));
    *out = (const GetWardsResponse *)msg;
    return (*out)->n_wards == n
               ? WARD_OK
               : WARD_FAIL(c->err, INTERNAL, "records returned a malformed answer");
}

static enum ward_code keep_ward(struct ward_call *c, const char *ward, struct statement *all,
                                size_t *n)
{
    const GetWardsResponse *at;
    size_t kept = 0;

    if (*n == 0)
        return WARD_OK;
    WARD_TRY(wards_of(c, all, *n, &at));
    for (size_t i = 0; i < *n; i++)
        if (strcmp(at->wards[i]->ward, ward) == 0)
            all[kept++] = all[i];
    *n = kept;
    return WARD_OK;
}

enum ward_code statements_page(struct ward_call *c, const struct statements_ask *ask,
                               struct statement **out, size_t *n, char **next)
{
    static const char *const TAKEN[] = {"active", "intended", "unknown"};
    char *whose = ask->of == NULL ? NULL : (char *)(uintptr_t)ask->of->text;
    SearchResponse *resp;
    struct question q;

    begin(&q, ask->page);
    by(&q, "status", (char **)(uintptr_t)TAKEN, WARD_COUNT(TAKEN));
    if (whose != NULL)
        by(&q, "patient", &whose, 1);
    q.req.page_token = (char *)(uintptr_t)ask->page_token;
    WARD_TRY(search(c, &q, &resp));
    *next = resp->next_page_token;
    *n = 0;
    *out = ward_alloc(c->mem, (resp->n_records + 1) * sizeof(**out));
    if (*out == NULL)
        return no_memory(c);
    for (size_t i = 0; i < resp->n_records; i++) {
        bool is;

        WARD_TRY(read(c, resp->records[i], &(*out)[*n], &is));
        *n += is && (*out)[*n].taken;
    }
    return whose != NULL ? WARD_OK : keep_ward(c, ask->ward, *out, n);
}
