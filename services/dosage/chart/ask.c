#include "services/dosage/chart/ask_own.h"

#include "common/base/clock.h"

#include <string.h>

typedef Ward__Records__V1__ReadRequest ReadRequest;
typedef Ward__Records__V1__ReadResponse ReadResponse;
typedef Ward__Records__V1__SearchRequest SearchRequest;
typedef Ward__Records__V1__SearchResponse SearchResponse;
typedef Ward__Records__V1__SearchManyRequest SearchManyRequest;
typedef Ward__Records__V1__SearchManyResponse SearchManyResponse;
typedef Ward__Records__V1__Parameter Parameter;

/* Calls to records get at most half of the remaining time: if records hangs, the caller still
 * gets an answer. */
void asking_begin(struct asking *a, struct ward_call *c)
{
    struct worker *w = c->wrk;
    int64_t half = ward_left_ms(c->deadline_ns) / 2, most = w->dos->cfg.records_ms;

    *a = (struct asking){.call = c};
    a->records = w->dos->records;
    a->with = ward_out_of(c);
    a->with.deadline_ns = ward_mono_ns() + (half < most ? half : most) * WARD_NS_PER_MS;
}

static enum ward_code nobody(struct ward_err *err)
{
    *err = (struct ward_err){0};
    return WARD_FAIL_REASON(err, NOT_FOUND, "PATIENT_NOT_FOUND", "no such patient");
}

enum ward_code ask_meant(struct ward_call *c, enum ward_code code)
{
    struct ward_err *err = c->err;
    struct ward_err was = *err;

    switch (code) {
    case WARD_NOT_FOUND:
        return nobody(err);
    /* usually the caller has disconnected, which this process may not know yet */
    case WARD_CANCELLED:
        return code;
    case WARD_UNAVAILABLE:
    case WARD_DEADLINE_EXCEEDED:
    case WARD_RESOURCE_EXHAUSTED: /* records refuses calls because of overload */
        break;
    default:
        return code;
    }
    *err = (struct ward_err){0};
    code = WARD_FAIL_REASON(err, UNAVAILABLE, "RECORDS_AWAY", "records is unavailable");
    ward_err_detail(err, "%s: %.200s", ward_code_name(was.code), was.msg);
    return code;
}

static enum ward_code call(struct asking *a, const char *path, const ProtobufCMessage *req,
                           const ProtobufCMessageDescriptor *type, ProtobufCMessage **resp)
{
    struct ward_call *c = a->call;
    enum ward_code code =
        ward_client_call(a->records, path, &a->with, req, type, resp, c->mem, c->err);

    return code == WARD_OK ? code : ask_meant(c, code);
}

enum ward_code ask_records(struct ward_call *c, const char *path, const ProtobufCMessage *req,
                           const ProtobufCMessageDescriptor *type, ProtobufCMessage **resp)
{
    struct asking a;

    asking_begin(&a, c);
    return call(&a, path, req, type, resp);
}

static enum ward_code lost(struct ward_call *c)
{
    return WARD_FAIL(c->err, INTERNAL, "records returned a malformed answer");
}

/* ---- the Patient resource ---- */

enum ward_code asking_patient(struct asking *a, const uint8_t id[DOSAGE_ID], struct answer *out)
{
    static const char PATH[] = "/ward.records.v1.Records/Read";
    ReadRequest req = WARD__RECORDS__V1__READ_REQUEST__INIT;
    struct ward_call *c = a->call;
    const ReadResponse *resp;
    ProtobufCMessage *msg;

    ward_uuid_text(id, a->patient);
    req.kind = KIND(PATIENT);
    req.id = a->patient;
    WARD_TRY(call(a, PATH, &req.base, &ward__records__v1__read_response__descriptor, &msg));
    resp = (const ReadResponse *)msg;
    if (resp->record == NULL || resp->record->resource == NULL ||
        resp->record->resource->resource_case !=
            WARD__RECORDS__V1__RESOURCE__RESOURCE_PATIENT ||
        !ward_uuid_parse(resp->record->resource->patient->id, out->id))
        return lost(c);
    ward_uuid_text(out->id, a->patient);
    out->facts = ward_new(c->mem, Facts);
    if (out->facts == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the chart");
    ward__dosage__v1__facts__init(out->facts);
    facts_patient(resp->record->resource->patient, out->facts);
    return WARD_OK;
}

enum ward_code ask_may(struct ward_call *c, const uint8_t id[DOSAGE_ID], struct answer *out)
{
    struct asking a;

    asking_begin(&a, c);
    return asking_patient(&a, id, out);
}

/* ---- searches ---- */

void question_begin(struct question *q, struct asking *a, Ward__Records__V1__Kind kind,
                    int page)
{
    ward__records__v1__search_request__init(&q->req);
    ward__records__v1__parameter__init(&q->patient);
    q->who = a->patient;
    q->patient.name = (char *)(uintptr_t) "patient";
    q->patient.n_values = 1;
    q->patient.values = &q->who;
    q->all[0] = &q->patient;
    q->req.kind = kind;
    q->req.n_parameters = 1;
    q->req.parameters = q->all;
    q->req.page_size = page;
}

void question_also(struct question *q, const char *name, char **values, size_t n)
{
    Parameter *p = &q->more[q->req.n_parameters - 1];

    ward__records__v1__parameter__init(p);
    p->name = (char *)(uintptr_t)name;
    p->values = values;
    p->n_values = n;
    q->all[q->req.n_parameters++] = p;
}

enum ward_code asking_search(struct asking *a, const struct question *q, SearchResponse **out)
{
    static const char PATH[] = "/ward.records.v1.Records/Search";
    ProtobufCMessage *msg;

    WARD_TRY(
        call(a, PATH, &q->req.base, &ward__records__v1__search_response__descriptor, &msg));
    *out = (SearchResponse *)msg;
    return WARD_OK;
}

enum ward_code asking_many(struct asking *a, struct question *q, size_t n)
{
    static const char PATH[] = "/ward.records.v1.Records/SearchMany";
    SearchManyRequest req = WARD__RECORDS__V1__SEARCH_MANY_REQUEST__INIT;
    struct ward_call *c = a->call;
    const SearchManyResponse *resp;
    ProtobufCMessage *msg;
    enum ward_code code;

    req.n_searches = n;
    req.searches = ward_alloc(c->mem, n * sizeof(*req.searches));
    if (req.searches == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the questions");
    for (size_t i = 0; i < n; i++)
        req.searches[i] = &q[i].req;
    code = ward_client_call(a->records, PATH, &a->with, &req.base,
                            &ward__records__v1__search_many_response__descriptor, &msg, c->mem,
                            c->err);
    if (code == WARD_UNIMPLEMENTED || strcmp(c->err->reason, "RESPONSE_TOO_LARGE") == 0) {
        *c->err = (struct ward_err){0};
        return WARD_OK;
    }
    if (code != WARD_OK)
        return ask_meant(c, code);
    resp = (const SearchManyResponse *)msg;
    if (resp->n_results != n)
        return lost(c);
    a->got = resp->results;
    a->n_got = n;
    return WARD_OK;
}

enum ward_code asking_first(struct asking *a, size_t which, const struct question *q,
                            SearchResponse **out)
{
    if (which < a->n_got) {
        *out = a->got[which];
        return WARD_OK;
    }
    return asking_search(a, q, out);
}

void question_ward(struct question *q, struct asking *a)
{
    static const char *const OPEN[] = {"arrived", "triaged", "in-progress", "onleave"};

    question_begin(q, a, KIND(ENCOUNTER), PAGE);
    question_also(q, "status", (char **)(uintptr_t)OPEN, WARD_COUNT(OPEN));
}

enum ward_code asking_ward(struct asking *a, int64_t now_us, struct answer *out)
{
    SearchResponse *resp;
    struct question q;
    Facts last = {0};

    question_ward(&q, a);
    WARD_TRY(asking_first(a, ASKED_WARD, &q, &resp));
    facts_ward(resp->records, resp->n_records, a->call->who->ward, now_us, out->facts);
    facts_ward(resp->records, resp->n_records, "", now_us, &last);
    out->lies = last.ward;
    return WARD_OK;
}

enum ward_code ask_where(struct ward_call *c, int64_t now_us, struct answer *out)
{
    struct asking a;

    asking_begin(&a, c);
    ward_uuid_text(out->id, a.patient);
    return asking_ward(&a, now_us, out);
}
