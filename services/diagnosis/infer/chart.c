#include "services/diagnosis/infer/chart.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"

#include <string.h>

#define PATH(method) "/ward.records.v1.Records/" method
#define KIND(name)   WARD__RECORDS__V1__KIND__KIND_##name

typedef Ward__Records__V1__Record Record;
typedef Ward__Records__V1__Resource Resource;

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

/* Translates a failed call to records into this service's error. */
static enum ward_code meant(struct ward_call *c, enum ward_code code, const char *missing)
{
    struct ward_err was = *c->err;

    switch (code) {
    case WARD_NOT_FOUND:
        *c->err = (struct ward_err){0};
        return ward_err_reason(c->err, WARD_NOT_FOUND, missing, __FILE__, __LINE__,
                               "the object does not exist, or the caller may not read it");
    case WARD_UNAVAILABLE:
    case WARD_DEADLINE_EXCEEDED:
    case WARD_RESOURCE_EXHAUSTED: /* records is overloaded */
        break;
    default:
        return code;
    }
    *c->err = (struct ward_err){0};
    code = WARD_FAIL_REASON(c->err, UNAVAILABLE, "RECORDS_AWAY", "records is unavailable");
    ward_err_detail(c->err, "%s: %.200s", ward_code_name(was.code), was.msg);
    return code;
}

/* Calls records, with a time limit: if records hangs, the caller still gets an answer. */
static enum ward_code ask(struct ward_call *c, const char *path, const ProtobufCMessage *req,
                          const ProtobufCMessageDescriptor *type, const char *missing,
                          ProtobufCMessage **resp)
{
    struct worker *w = c->wrk;
    int64_t left = ward_left_ms(c->deadline_ns), most = w->dia->cfg.records_ms;
    struct ward_out with = ward_out_of(c);
    enum ward_code code;

    with.deadline_ns = ward_mono_ns() + (left < most ? left : most) * WARD_NS_PER_MS;
    code = ward_client_call(w->dia->records, path, &with, req, type, resp, c->mem, c->err);
    return code == WARD_OK ? code : meant(c, code, missing);
}

static enum ward_code lost(struct ward_call *c)
{
    return WARD_FAIL(c->err, INTERNAL, "records returned an invalid answer");
}

enum ward_code chart_patient(struct ward_call *c, const char *patient, const char **id)
{
    Ward__Records__V1__ReadRequest req = WARD__RECORDS__V1__READ_REQUEST__INIT;
    const Ward__Records__V1__ReadResponse *resp;
    ProtobufCMessage *msg;

    req.kind = KIND(PATIENT);
    req.id = text(patient);
    WARD_TRY(ask(c, PATH("Read"), &req.base, &ward__records__v1__read_response__descriptor,
                 "PATIENT_NOT_FOUND", &msg));
    resp = (const Ward__Records__V1__ReadResponse *)msg;
    if (resp->record == NULL || resp->record->resource == NULL ||
        resp->record->resource->resource_case != WARD__RECORDS__V1__RESOURCE__RESOURCE_PATIENT)
        return lost(c);
    *id = resp->record->resource->patient->id;
    return WARD_OK;
}

static enum ward_code take(struct ward_call *c, const Record *r, struct charted *out)
{
    if (r == NULL || r->version == NULL || r->resource == NULL ||
        r->resource->resource_case != WARD__RECORDS__V1__RESOURCE__RESOURCE_DIAGNOSTIC_REPORT)
        return lost(c);
    *out = (struct charted){r->resource->diagnostic_report, r->version->resource_id,
                            r->version->version};
    return WARD_OK;
}

static Resource resource_of(Report *report)
{
    Resource r = WARD__RECORDS__V1__RESOURCE__INIT;

    r.resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_DIAGNOSTIC_REPORT;
    r.diagnostic_report = report;
    return r;
}

/* Each try has a new idempotency key. The report's identifier ensures that only one report is
 * created. */
enum ward_code chart_create(struct ward_call *c, Report *report, const Provenance *model,
                            const char *system, const char *value, struct charted *out)
{
    Ward__Records__V1__CreateRequest req = WARD__RECORDS__V1__CREATE_REQUEST__INIT;
    Ward__Records__V1__IdentifierQuery once = WARD__RECORDS__V1__IDENTIFIER_QUERY__INIT;
    Resource resource = resource_of(report);
    ProtobufCMessage *msg;
    uint8_t id[16];
    char key[37];

    ward_uuid7(id);
    ward_uuid_text(id, key);
    once.system = text(system);
    once.value = text(value);
    req.idempotency_key = key;
    req.resource = &resource;
    req.provenance = (Provenance *)(uintptr_t)model;
    req.if_none_exist = &once;
    WARD_TRY(ask(c, PATH("Create"), &req.base, &ward__records__v1__create_response__descriptor,
                 "PATIENT_NOT_FOUND", &msg));
    return take(c, ((const Ward__Records__V1__CreateResponse *)msg)->record, out);
}

enum ward_code chart_read(struct ward_call *c, const char *report, int32_t version,
                          struct charted *out)
{
    Ward__Records__V1__ReadVersionRequest req = WARD__RECORDS__V1__READ_VERSION_REQUEST__INIT;
    ProtobufCMessage *msg;

    req.kind = KIND(DIAGNOSTIC_REPORT);
    req.id = text(report);
    req.version = version;
    WARD_TRY(ask(c, PATH("ReadVersion"), &req.base,
                 &ward__records__v1__read_version_response__descriptor, "REPORT_NOT_FOUND",
                 &msg));
    return take(c, ((const Ward__Records__V1__ReadVersionResponse *)msg)->record, out);
}

enum ward_code chart_update(struct ward_call *c, Report *report, int32_t expected,
                            const Provenance *model, const char *key, struct charted *out)
{
    Ward__Records__V1__UpdateRequest req = WARD__RECORDS__V1__UPDATE_REQUEST__INIT;
    Resource resource = resource_of(report);
    ProtobufCMessage *msg;

    req.idempotency_key = text(key);
    req.resource = &resource;
    req.expected_version = expected;
    req.provenance = (Provenance *)(uintptr_t)model;
    WARD_TRY(ask(c, PATH("Update"), &req.base, &ward__records__v1__update_response__descriptor,
                 "REPORT_NOT_FOUND", &msg));
    return take(c, ((const Ward__Records__V1__UpdateResponse *)msg)->record, out);
}
