/* Extract: finds symptoms, diseases, drugs and measurements in a given note or in a document of
 * the chart. */
#include "common/host/host.h"
#include "services/records/api.h"
#include "services/records/text/text.h"
#include "ward/records/v1/text.pb-c.h"

#include <string.h>
#include <strings.h>

typedef Ward__Records__V1__ExtractRequest ExtractRequest;
typedef Ward__Records__V1__ExtractResponse ExtractResponse;
typedef Ward__Records__V1__Finding Finding;
typedef Ward__Records__V1__Span Span;
typedef Ward__Records__V1__Cue Cue;

struct extract {
    struct ward_call *call;
    struct worker *w;
    struct view view;
    struct ward_event event;
    const char *text; /* the note's text */
    size_t n;
    bool of_chart;
    uint8_t document[RECORDS_ID], patient[RECORDS_ID];
};

static void *make(struct extract *x, size_t size, const ProtobufCMessageDescriptor *type)
{
    void *m = ward_alloc(x->call->mem, size);

    if (m != NULL)
        protobuf_c_message_init(type, m);
    return m;
}
#define MAKE(x, Type, type) make((x), sizeof(Type), &ward__records__v1__##type##__descriptor)

static Span *span_of(struct extract *x, const struct text_span *s)
{
    Span *out = MAKE(x, Span, span);

    if (out == NULL)
        return NULL;
    out->start = (int32_t)s->cp_start;
    out->end = (int32_t)s->cp_end;
    out->start_byte = (int32_t)s->start;
    out->end_byte = (int32_t)s->end;
    return out;
}

static enum ward_code no_memory(const struct extract *x)
{
    return WARD_FAIL(x->call->err, RESOURCE_EXHAUSTED, "no memory for the findings");
}

static enum ward_code add_cue(struct extract *x, Finding *f, const char *kind,
                              const struct text_why *why)
{
    Cue *c;

    if (why->id == NULL)
        return WARD_OK;
    c = MAKE(x, Cue, cue);
    if (c == NULL)
        return no_memory(x);
    c->kind = api_text(kind);
    c->id = api_text(why->id);
    c->span = span_of(x, &why->cue);
    c->scope = span_of(x, &why->scope);
    if (c->span == NULL || c->scope == NULL)
        return no_memory(x);
    f->cues[f->n_cues++] = c;
    return WARD_OK;
}

static enum ward_code add_cues(struct extract *x, Finding *f, const struct text_finding *t)
{
    static const char *const assertion[] = {"affirmation", "negation", "uncertainty"};
    static const char *const when[] = {"now", "history", "stop"};

    f->cues = ward_alloc(x->call->mem, 3 * sizeof(Cue *));
    if (f->cues == NULL)
        return no_memory(x);
    WARD_TRY(add_cue(x, f, assertion[t->assertion], &t->why_assertion));
    WARD_TRY(add_cue(x, f, when[t->temporality], &t->why_temporality));
    return add_cue(x, f, t->experiencer == TEXT_FAMILY ? "family" : "patient",
                   &t->why_experiencer);
}

static enum ward_code measured_of(struct extract *x, const struct text_quantity *q, Finding *f)
{
    Ward__Records__V1__Measured *m;

    if (q == NULL)
        return WARD_OK;
    m = MAKE(x, Ward__Records__V1__Measured, measured);
    if (m == NULL)
        return no_memory(x);
    m->kind = api_text(q->kind);
    m->comparator = api_text(q->comparator);
    m->value = api_text(q->value);
    m->value2 = api_text(q->value2);
    m->range = q->range;
    m->unit = api_text(q->unit);
    m->ucum = api_text(q->ucum);
    m->code2 = api_text(q->code2);
    f->measured = m;
    return WARD_OK;
}

static enum ward_code finding_of(struct extract *x, const struct text_finding *t, Finding *f)
{
    Ward__Records__V1__Maker *maker = MAKE(x, Ward__Records__V1__Maker, maker);

    f->span = span_of(x, &t->span);
    if (f->span == NULL || maker == NULL)
        return no_memory(x);
    /* The enums of text.h start at 0, the enums of the .proto at 1. */
    f->kind = (Ward__Records__V1__FindingKind)(t->kind + 1);
    f->assertion = (Ward__Records__V1__Assertion)(t->assertion + 1);
    f->temporality = (Ward__Records__V1__Temporality)(t->temporality + 1);
    f->experiencer = (Ward__Records__V1__Experiencer)(t->experiencer + 1);
    f->name = api_text(t->name);
    f->system = api_text(t->system);
    f->code = api_text(t->code);
    maker->name = api_text(t->maker->name);
    maker->version = api_text(t->maker->version);
    maker->sha256 = api_text(t->maker->sha256);
    f->maker = maker;
    WARD_TRY(measured_of(x, t->quantity, f));
    return add_cues(x, f, t);
}

static enum ward_code answer(struct extract *x, const struct text_findings *found,
                             ExtractResponse *resp)
{
    Finding *all = ward_alloc(x->call->mem, found->n * sizeof(*all));

    resp->findings = ward_alloc(x->call->mem, found->n * sizeof(Finding *));
    if (all == NULL || resp->findings == NULL)
        return no_memory(x);
    for (size_t i = 0; i < found->n; i++) {
        ward__records__v1__finding__init(&all[i]);
        WARD_TRY(finding_of(x, &found->at[i], &all[i]));
        resp->findings[i] = &all[i];
    }
    resp->n_findings = found->n;
    return WARD_OK;
}

/* ---- from a document ---- */

static bool is_plain(const Ward__Records__V1__Attachment *a)
{
    return a != NULL && a->data.len > 0 &&
           strncasecmp(a->content_type, "text/plain", strlen("text/plain")) == 0;
}

static enum ward_code read_document(struct extract *x)
{
    struct version v;
    Resource *res = NULL;

    WARD_TRY(
        chart_find(x->w, x->call->mem, &x->view, KIND_DOCUMENT, x->document, &v, x->call->err));
    WARD_TRY(chart_open(x->w, x->call->mem, &v, &res, x->call->err));
    memcpy(x->patient, v.patient, RECORDS_ID);
    for (size_t i = 0; i < res->document_reference->n_content; i++) {
        const Ward__Records__V1__Attachment *a =
            res->document_reference->content[i]->attachment;

        if (is_plain(a)) {
            x->text = (const char *)a->data.data;
            x->n = a->data.len;
            return WARD_OK;
        }
    }
    return WARD_FAIL_FIELD(x->call->err, "document_id", "has no inline text/plain content");
}

static enum ward_code find_note(struct extract *x, const ExtractRequest *req)
{
    struct ward_call *c = x->call;

    switch (req->source_case) {
    case WARD__RECORDS__V1__EXTRACT_REQUEST__SOURCE_TEXT:
        x->text = req->text;
        x->n = strlen(req->text);
        return WARD_OK;
    case WARD__RECORDS__V1__EXTRACT_REQUEST__SOURCE_DOCUMENT_ID:
        x->of_chart = true;
        WARD_TRY(ward_call_id(c, "document_id", req->document_id, x->document, NULL));
        return read_document(x);
    default:
        return WARD_FAIL_FIELD(c->err, "text", "text or document_id must be set");
    }
}

static enum ward_code told(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct extract *x = arg;

    if (x->of_chart)
        return tell(x->w, &x->event, &x->view, x->patient, err);
    return ward_event_write(&x->event, db, err);
}

static bool gone(const void *call)
{
    return ward_call_cancelled(call);
}

static enum ward_code extract(struct ward_call *c, const ExtractRequest *req,
                              ExtractResponse *resp)
{
    static const enum text_language language[] = {TEXT_AUTO, TEXT_ZH, TEXT_EN};
    const struct ward_stop stop = {.deadline_ns = c->deadline_ns, .gone = gone, .arg = c};
    struct extract x = {.call = c, .w = c->wrk};
    struct text_findings found;

    WARD_TRY(api_begin(c, &x.event, USE_READ, KIND_DOCUMENT, NULL, &x.view));
    if (req->language < 0 || (size_t)req->language >= WARD_COUNT(language))
        return WARD_FAIL_FIELD(c->err, "language", "is not a supported language");
    WARD_TRY(find_note(&x, req));
    WARD_TRY(text_extract_until(x.w->rec->text, c->mem, &stop, x.text, x.n,
                                language[req->language], &found, c->err));
    WARD_TRY(answer(&x, &found, resp));
    resp->language = req->language;
    ward_event_note_int(&x.event, "findings", (int64_t)found.n);
    return ward_db_tx(x.w->event_ctx.db, told, &x, c->err);
}

enum ward_code extract_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return extract(c, (const ExtractRequest *)q, (ExtractResponse *)r);
}
