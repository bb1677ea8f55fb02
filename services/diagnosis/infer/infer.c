/* Infer: a model reads a patient's input, and its finding is filed as a preliminary report.
 *
 * The order of steps makes a call safe to repeat after an interruption. First the report is
 * created in records under the identifier of this inference, which is unique. Then one
 * transaction here writes the audit event, the count, and the stored answer with the report's
 * id. If the call is interrupted between the two, a repeated call finds the report. */
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/text.h"
#include "services/diagnosis/api.h"
#include "services/diagnosis/infer/report.h"
#include "services/diagnosis/metrics.h"
#include "services/diagnosis/model/run.h"
#include "services/diagnosis/registry/registry.h"
#include "services/diagnosis/registry/shadow.h"
#include "services/diagnosis/store.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define HEAT_TIMES 8

typedef Ward__Diagnosis__V1__InferRequest InferRequest;
typedef Ward__Diagnosis__V1__InferResponse InferResponse;
typedef Ward__Diagnosis__V1__Finding Finding;
typedef Ward__Diagnosis__V1__Trace Trace;
typedef Ward__Diagnosis__V1__Abstention Abstention;
typedef Ward__Diagnosis__V1__Code Code;

struct inferring {
    struct ward_call *c;
    struct worker *w;
    struct ward_event event;
    struct ward_idem idem;
    const InferRequest *req;
    InferResponse *resp;
    struct model *model;
    const char *patient; /* the patient's id, after merges */
    struct said said;
    InferResponse *kept; /* stored answer of this idempotency key: only ids; NULL: none */
};

/* ---- the answer ---- */

/* Derives the inference's id from the request: a repeated call has an equal id. */
static enum ward_code name_it(struct inferring *f)
{
    const char *what =
        ward_printf(f->c->mem, "ward.diagnosis.inference\n%s\n%s", f->idem.caller, f->idem.key);
    struct ward_bytes parts[2];
    uint8_t hash[32];

    f->resp->inference_id = ward_alloc(f->c->mem, 37);
    if (what == NULL || f->resp->inference_id == NULL)
        return WARD_FAIL(f->c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    parts[0] = (struct ward_bytes){what, strlen(what)};
    parts[1] = (struct ward_bytes){f->idem.request_sha256, sizeof(f->idem.request_sha256)};
    ward_sha256_parts(parts, 2, hash);
    hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x80); /* RFC 9562, version 8 */
    hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
    ward_uuid_text(hash, f->resp->inference_id);
    return WARD_OK;
}

static char *hex_of(struct ward_arena *mem, const uint8_t *bytes, size_t n)
{
    char *out = ward_alloc(mem, 2 * n + 1);

    if (out != NULL)
        ward_hex(bytes, n, out);
    return out;
}

/* Lists the manifest's steps. After the first step, lists how the file was decoded. */
static void put_transforms(const struct manifest *m, const struct said *said,
                           struct ward_arena *mem, Trace *t)
{
    char **list = ward_alloc(mem, (STEPS_MAX + DECODE_PROCESSES) * sizeof(char *));

    for (int i = 0; list != NULL && i < m->steps.n; i++) {
        list[t->n_transforms++] = step_words(&m->steps.at[i], mem);
        if (i == 0 && said->image)
            t->n_transforms +=
                (size_t)diagnosis_decode_words(&said->from, mem, list + t->n_transforms);
    }
    t->transforms = list;
}

static void put_trace(struct inferring *f)
{
    struct ward_arena *mem = f->c->mem;
    Trace *t = ward_new(mem, Trace);

    if (t == NULL)
        return;
    ward__diagnosis__v1__trace__init(t);
    t->model = api_text(f->model->name);
    t->version = api_text(f->model->version);
    t->weights_sha256 = api_text(f->model->is.sha256);
    t->manifest_sha256 = api_text(f->model->is.manifest_sha256);
    t->signed_by = api_text(f->model->is.signed_by);
    t->input_sha256 = hex_of(mem, f->said.input_sha256, sizeof(f->said.input_sha256));
    t->plugin = ward_strdup(mem, f->said.on.backend);
    t->device = ward_strdup(mem, f->said.on.device);
    t->degraded = f->said.on.degraded;
    if (f->said.image)
        t->transfer_syntax = ward_strdup(mem, f->said.from.facts.transfer_syntax);
    put_transforms(&f->model->is, &f->said, mem, t);
    f->resp->trace = t;
}

static void put_finding(struct inferring *f)
{
    const struct manifest *m = &f->model->is;
    struct ward_arena *mem = f->c->mem;
    Finding **list = ward_alloc(mem, sizeof(*list));
    Finding *is = ward_new(mem, Finding);
    Code *code = ward_new(mem, Code);

    if (list == NULL || is == NULL || code == NULL)
        return;
    ward__diagnosis__v1__finding__init(is);
    ward__diagnosis__v1__code__init(code);
    code->system = api_text(m->finding.system);
    code->code = api_text(m->finding.code);
    code->display = api_text(m->finding.display);
    is->code = code;
    is->probability = f->said.probability;
    is->present = f->said.probability >= m->threshold;
    is->threshold = m->threshold;
    is->sensitivity = m->sensitivity;
    is->specificity = m->specificity;
    list[0] = is;
    f->resp->findings = list;
    f->resp->n_findings = 1;
}

static void put_abstention(struct inferring *f)
{
    static const char *const TEXT[] = {
        [ABSTAIN_FAR] = "the input is unlike the model's training data",
        [ABSTAIN_NEAR] =
            "the input is similar to the model's training data, but differs from it",
        [ABSTAIN_VALUE] = "a value that the model needs is missing, or is outside the range of "
                          "the training data",
    };
    Abstention *a = ward_new(f->c->mem, Abstention);

    if (a == NULL)
        return;
    ward__diagnosis__v1__abstention__init(a);
    a->reason = (Ward__Diagnosis__V1__Abstention__Reason)f->said.abstains;
    a->text = api_text(TEXT[f->said.abstains]);
    a->feature = api_text(f->said.feature == NULL ? "" : f->said.feature);
    a->score = f->said.score;
    a->limit = f->said.limit;
    f->resp->abstention = a;
}

static enum ward_code answer(struct inferring *f)
{
    put_trace(f);
    if (f->said.abstains == ABSTAIN_NO)
        put_finding(f);
    else
        put_abstention(f);
    return f->c->mem->full
               ? WARD_FAIL(f->c->err, RESOURCE_EXHAUSTED, "no memory for the answer")
               : WARD_OK;
}

static enum ward_code draw(struct inferring *f)
{
    const InferRequest *q = f->req;
    InferResponse *r = f->resp;

    if (!q->heat_map || f->said.heat == NULL)
        return WARD_OK;
    return heat_png(&f->model->is, &f->said, HEAT_TIMES, f->c->mem, &r->heat_map.data,
                    &r->heat_map.len, f->c->err);
}

/* ---- the report, and the stored answer ---- */

static char *instant(struct ward_arena *mem, int64_t us)
{
    time_t s = (time_t)(us / 1000000);
    struct tm tm;

    gmtime_r(&s, &tm);
    return ward_printf(mem, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
                       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                       (int)(us / 1000 % 1000));
}

/* Files the report. If the report already existed, the answer is taken from it. */
static enum ward_code file(struct inferring *f)
{
    struct ward_call *c = f->c;
    char *at = instant(c->mem, ward_wall_us());
    struct charted filed;
    Provenance model;
    Report *report;

    if (f->said.abstains != ABSTAIN_NO)
        return WARD_OK;
    WARD_TRY(report_make(&f->model->is, f->resp, f->patient, f->req->encounter_id, at, c->mem,
                         &report, c->err));
    WARD_TRY(report_model(f->resp, c->mem, &model, c->err));
    WARD_TRY(chart_create(c, report, &model, REPORT_SYSTEM, f->resp->inference_id, &filed));
    f->resp->report_id = api_text(filed.id);
    f->resp->report_version = filed.version;
    return report_read(filed.report, c->mem, f->resp, c->err);
}

/* Stores the answer without the findings: a repeated call reads them from the report. */
static enum ward_code keep(struct inferring *f, struct ward_db *db, struct ward_err *err)
{
    InferResponse ids = *f->resp;

    ids.n_findings = 0;
    ids.findings = NULL;
    ids.heat_map = (ProtobufCBinaryData){0, NULL};
    return ward_call_store_answer(f->c, db, &f->idem, &ids.base, err);
}

/* Reads the stored answer into f->kept. If there is one, writes an event for the repeated
 * call. */
static enum ward_code again(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct inferring *f = arg;
    struct ward_event event = f->event;
    ProtobufCMessage *kept;

    WARD_TRY(ward_call_stored_answer(
        f->c, db, &f->idem, &ward__diagnosis__v1__infer_response__descriptor, &kept, err));
    f->kept = (InferResponse *)kept;
    if (f->kept == NULL)
        return WARD_OK;
    ward_event_note(&event, "repeated", "yes");
    ward_event_note(&event, "inference", f->kept->inference_id);
    ward_event_note(&event, "report", f->kept->report_id);
    return ward_event_write(&event, db, err);
}

static enum ward_code done(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct inferring *f = arg;
    struct ward_event event = f->event;
    bool says = f->said.abstains == ABSTAIN_NO;

    WARD_TRY(again(db, f, err));
    if (f->kept != NULL)
        return WARD_OK;
    ward_event_note(&event, "model", f->model->label);
    ward_event_note(&event, "weights", f->resp->trace->weights_sha256);
    ward_event_note(&event, "inference", f->resp->inference_id);
    ward_event_note(&event, "outcome", says ? "answered" : "abstained");
    ward_event_note(&event, "report", f->resp->report_id);
    if (f->said.on.degraded)
        ward_event_note(&event, "degraded", "yes");
    WARD_TRY(store_count(db, f->c->mem, f->model->name, f->model->version,
                         says ? TALLY_ANSWERED : TALLY_ABSTAINED, err));
    WARD_TRY(ward_event_write(&event, db, err));
    return keep(f, db, err);
}

static enum ward_code told(struct inferring *f)
{
    return ward_call_copy(f->c, f->event.event_text, &f->resp->event_id);
}

/* Returns the first answer again: an abstention from the stored answer, a finding from the
 * report as it was filed. */
static enum ward_code repeat(struct inferring *f)
{
    struct charted was;

    *f->resp = *f->kept;
    WARD_TRY(told(f));
    if (*f->kept->report_id == '\0')
        return WARD_OK;
    WARD_TRY(chart_read(f->c, f->kept->report_id, f->kept->report_version, &was));
    return report_read(was.report, f->c->mem, f->resp, f->c->err);
}

static void counted(const struct inferring *f)
{
    enum abstain why = f->said.abstains;

    diagnosis_count_answer(f->model->label, why,
                           why == ABSTAIN_NO && f->resp->findings[0]->present);
}

static enum ward_code infer(struct ward_call *c, const InferRequest *q, InferResponse *r)
{
    struct inferring f = {.c = c, .w = c->wrk, .req = q, .resp = r};
    uint8_t id[16];
    char patient[37];

    WARD_TRY(ward_call_id(c, "patient_id", q->patient_id, id, patient));
    WARD_TRY(api_begin(c, &f.event, patient));
    WARD_TRY(ward_call_idem(c, q->idempotency_key, &q->base, &f.idem));
    if (*q->encounter_id != '\0')
        WARD_TRY(ward_call_id(c, "encounter_id", q->encounter_id, id, NULL));
    WARD_TRY(api_model(c, q->model, NULL, &f.model));
    WARD_TRY(chart_patient(c, patient, &f.patient));
    WARD_TRY(ward_db_tx(f.w->event_ctx.db, again, &f, c->err));
    if (f.kept != NULL)
        return repeat(&f);
    WARD_TRY(name_it(&f));
    WARD_TRY(model_run(c, f.model, q, &f.said));
    WARD_TRY(answer(&f));
    WARD_TRY(draw(&f));
    WARD_TRY(file(&f));
    WARD_TRY(ward_db_tx(f.w->event_ctx.db, done, &f, c->err));
    if (f.kept != NULL)
        return repeat(&f);
    counted(&f);
    shadows_offer(f.w->dia, f.model, q, &f.said);
    return told(&f);
}

enum ward_code infer_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return infer(c, (const InferRequest *)q, (InferResponse *)r);
}
