/* Confirm, Amend and Reject: a clinician reviews a model's report.
 *
 * The next version of the report is made only from the version that the person has read. It is
 * written under an idempotency key that is derived from this call. If a call is interrupted and
 * repeated, the version is therefore written once. */
#include "common/base/crypto.h"
#include "services/diagnosis/api.h"
#include "services/diagnosis/infer/report.h"
#include "services/diagnosis/metrics.h"
#include "services/diagnosis/registry/registry.h"
#include "services/diagnosis/store.h"

#include <string.h>

#define CONCLUSION_MAX 4096
#define REASON_MAX     256

typedef Ward__Diagnosis__V1__ConfirmRequest ConfirmRequest;
typedef Ward__Diagnosis__V1__AmendRequest AmendRequest;
typedef Ward__Diagnosis__V1__RejectRequest RejectRequest;
typedef Ward__Diagnosis__V1__ConfirmResponse ConfirmResponse;
typedef Ward__Diagnosis__V1__AmendResponse AmendResponse;
typedef Ward__Diagnosis__V1__RejectResponse RejectResponse;
typedef Ward__Records__V1__Reference Reference;

#define STATUS(name) WARD__RECORDS__V1__DIAGNOSTIC_REPORT__STATUS__STATUS_##name

struct reviewing {
    struct ward_call *c;
    struct ward_event event;
    struct ward_idem idem;
    const char *report;
    int32_t expected;
    enum tally how;
    const char *conclusion; /* the report's new conclusion; NULL: unchanged */
    bool says, present;     /* for Amend: the person states whether the finding is present */
    ConfirmResponse resp;   /* answer of any of the three methods, which have equal fields */
    Answer was;
    ConfirmResponse *kept;
};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a report");
}

/* Records the person, from the token, as the interpreter of the report. */
static enum ward_code sign(struct reviewing *v, Report *next)
{
    struct ward_arena *mem = v->c->mem;
    Reference **list = ward_alloc(mem, sizeof(*list));
    Reference *who = ward_new(mem, Reference);

    if (list == NULL || who == NULL)
        return no_memory(v->c->err);
    ward__records__v1__reference__init(who);
    who->reference = ward_printf(mem, "Practitioner/%s", v->c->who->subject);
    list[0] = who;
    next->results_interpreter = list;
    next->n_results_interpreter = 1;
    return who->reference == NULL ? no_memory(v->c->err) : WARD_OK;
}

static char *confirmed(const Answer *a, struct ward_arena *mem)
{
    const Ward__Diagnosis__V1__Finding *f = a->findings[0];

    return ward_printf(mem, "%s: %s. Found by a model (%s %s), confirmed by a clinician.",
                       f->code->display, f->present ? "present" : "not present",
                       a->trace->model, a->trace->version);
}

/* Builds the next version. Removes codes of a conclusion that the person did not reach. */
static enum ward_code next_version(struct reviewing *v, const Report *was, Report **out)
{
    struct ward_arena *mem = v->c->mem;
    Report *next = ward_new(mem, Report);

    if (next == NULL)
        return no_memory(v->c->err);
    *next = *was;
    next->meta = NULL;
    WARD_TRY(sign(v, next));
    next->conclusion =
        v->conclusion == NULL ? confirmed(&v->was, mem) : api_text(v->conclusion);
    next->status = v->how == TALLY_CONFIRMED ? STATUS(FINAL)
                   : v->how == TALLY_AMENDED ? STATUS(AMENDED)
                                             : STATUS(CANCELLED);
    if (v->how == TALLY_REJECTED || (v->says && !v->present))
        next->n_conclusion_code = 0;
    *out = next;
    return next->conclusion == NULL ? no_memory(v->c->err) : WARD_OK;
}

static enum ward_code key_of(struct reviewing *v, char key[37])
{
    const char *what = ward_printf(v->c->mem, "ward.diagnosis.review\n%s\n%s\n%s",
                                   v->idem.caller, v->idem.method, v->idem.key);
    struct ward_bytes parts[2];
    uint8_t hash[32];

    if (what == NULL)
        return no_memory(v->c->err);
    parts[0] = (struct ward_bytes){what, strlen(what)};
    parts[1] = (struct ward_bytes){v->idem.request_sha256, sizeof(v->idem.request_sha256)};
    ward_sha256_parts(parts, 2, hash);
    ward_uuid_text(hash, key);
    return WARD_OK;
}

static const char *patient_of(const Report *r)
{
    static const char KIND[] = "Patient/";
    const char *to = r->subject == NULL ? "" : r->subject->reference;

    return strncmp(to, KIND, sizeof(KIND) - 1) == 0 ? to + sizeof(KIND) - 1 : NULL;
}

/* Reads the version that the person has read, and writes the next version. */
static enum ward_code write(struct reviewing *v)
{
    struct ward_call *c = v->c;
    struct charted read, written;
    Provenance model;
    Report *next;
    char key[37];

    WARD_TRY(chart_read(c, v->report, v->expected, &read));
    WARD_TRY(api_begin(c, &v->event, patient_of(read.report)));
    WARD_TRY(report_read(read.report, c->mem, &v->was, c->err));
    if (read.report->status != STATUS(PRELIMINARY))
        return WARD_FAIL_REASON(c->err, FAILED_PRECONDITION, "REPORT_NOT_PRELIMINARY",
                                "this report was already reviewed");
    WARD_TRY(next_version(v, read.report, &next));
    WARD_TRY(report_model(&v->was, c->mem, &model, c->err));
    WARD_TRY(key_of(v, key));
    WARD_TRY(chart_update(c, next, v->expected, &model, key, &written));
    v->resp.report_id = api_text(written.id);
    v->resp.report_version = written.version;
    return WARD_OK;
}

/* Reads the stored answer into v->kept. If there is one, writes an event for the repeated
 * call. */
static enum ward_code again(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct reviewing *v = arg;
    struct ward_event event = v->event;
    ProtobufCMessage *kept;

    WARD_TRY(ward_call_stored_answer(
        v->c, db, &v->idem, &ward__diagnosis__v1__confirm_response__descriptor, &kept, err));
    v->kept = (ConfirmResponse *)kept;
    if (v->kept == NULL)
        return WARD_OK;
    ward_event_note(&event, "repeated", "yes");
    ward_event_note(&event, "report", v->kept->report_id);
    return ward_event_write(&event, db, err);
}

static enum ward_code done(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct reviewing *v = arg;
    struct ward_event event = v->event;
    const Ward__Diagnosis__V1__Trace *t = v->was.trace;

    WARD_TRY(again(db, v, err));
    if (v->kept != NULL)
        return WARD_OK;
    ward_event_note(&event, "report", v->resp.report_id);
    ward_event_note(&event, "inference", v->was.inference_id);
    ward_event_note(&event, "review", diagnosis_review_word(v->how));
    if (v->says)
        ward_event_note(&event, "agrees",
                        v->present == v->was.findings[0]->present ? "yes" : "no");
    WARD_TRY(store_count(db, v->c->mem, t->model, t->version, v->how, err));
    WARD_TRY(ward_event_write(&event, db, err));
    return ward_call_store_answer(v->c, db, &v->idem, &v->resp.base, err);
}

/* Updates the metric. The label is "other" if the report's model is no longer served. */
static void counted(const struct reviewing *v)
{
    const struct worker *w = v->c->wrk;
    const char *label = registry_label(w->dia, v->was.trace->model);

    diagnosis_count_review(label, v->how);
}

static enum ward_code review(struct reviewing *v, const char *key, const ProtobufCMessage *req)
{
    struct ward_call *c = v->c;
    struct worker *w = c->wrk;
    uint8_t id[16];

    ward__diagnosis__v1__infer_response__init(&v->was);
    ward__diagnosis__v1__confirm_response__init(&v->resp);
    WARD_TRY(api_begin(c, &v->event, NULL));
    WARD_TRY(ward_call_idem(c, key, req, &v->idem));
    WARD_TRY(ward_call_id(c, "report_id", v->report, id, NULL));
    if (v->expected < 1)
        return WARD_FAIL_FIELD(c->err, "expected_version", "must be 1 or more");
    WARD_TRY(ward_db_tx(w->event_ctx.db, again, v, c->err));
    if (v->kept == NULL) {
        WARD_TRY(write(v));
        WARD_TRY(ward_db_tx(w->event_ctx.db, done, v, c->err));
    }
    WARD_TRY(ward_call_copy(c, v->event.event_text, &v->resp.event_id));
    if (v->kept != NULL) {
        v->resp.report_id = v->kept->report_id;
        v->resp.report_version = v->kept->report_version;
        return WARD_OK;
    }
    counted(v);
    return WARD_OK;
}

enum ward_code confirm_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    const ConfirmRequest *req = (const ConfirmRequest *)q;
    ConfirmResponse *resp = (ConfirmResponse *)r;
    struct reviewing v = {.c = c,
                          .report = req->report_id,
                          .expected = req->expected_version,
                          .how = TALLY_CONFIRMED};

    WARD_TRY(review(&v, req->idempotency_key, q));
    resp->report_id = v.resp.report_id;
    resp->report_version = v.resp.report_version;
    resp->event_id = v.resp.event_id;
    return WARD_OK;
}

enum ward_code amend_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    const AmendRequest *req = (const AmendRequest *)q;
    AmendResponse *resp = (AmendResponse *)r;
    struct reviewing v = {.c = c,
                          .report = req->report_id,
                          .expected = req->expected_version,
                          .how = TALLY_AMENDED,
                          .conclusion = req->conclusion,
                          .says = true,
                          .present = req->present};

    if (*req->conclusion == '\0' || strlen(req->conclusion) > CONCLUSION_MAX)
        return WARD_FAIL_FIELD(c->err, "conclusion", "must be 1 to %d bytes", CONCLUSION_MAX);
    WARD_TRY(review(&v, req->idempotency_key, q));
    resp->report_id = v.resp.report_id;
    resp->report_version = v.resp.report_version;
    resp->event_id = v.resp.event_id;
    return WARD_OK;
}

enum ward_code reject_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    const RejectRequest *req = (const RejectRequest *)q;
    RejectResponse *resp = (RejectResponse *)r;
    struct reviewing v = {.c = c,
                          .report = req->report_id,
                          .expected = req->expected_version,
                          .how = TALLY_REJECTED};

    if (*req->reason == '\0' || strlen(req->reason) > REASON_MAX)
        return WARD_FAIL_FIELD(c->err, "reason", "must be 1 to %d bytes", REASON_MAX);
    v.conclusion = ward_printf(c->mem, "Rejected by a clinician: %s", req->reason);
    if (v.conclusion == NULL)
        return no_memory(c->err);
    WARD_TRY(review(&v, req->idempotency_key, q));
    resp->report_id = v.resp.report_id;
    resp->report_version = v.resp.report_version;
    resp->event_id = v.resp.event_id;
    return WARD_OK;
}
