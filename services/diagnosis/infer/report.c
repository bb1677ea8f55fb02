#include "services/diagnosis/infer/report.h"

#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Records__V1__Extension Extension;
typedef Ward__Records__V1__Coding Coding;
typedef Ward__Records__V1__CodeableConcept Concept;
typedef Ward__Records__V1__Reference Reference;
typedef Ward__Records__V1__Identifier Identifier;
typedef Ward__Records__V1__Decimal Decimal;
typedef Ward__Diagnosis__V1__Finding Finding;
typedef Ward__Diagnosis__V1__Trace Trace;

#define MEMBERS 64

/* A report being built. Failed allocations set mem->full, which is checked once at the end. */
struct making {
    struct ward_arena *mem;
    size_t n;
    Extension *member[MEMBERS];
};

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

/* Allocates and initializes a message. NULL if the arena is full. */
#define MAKE(mem, Type, init) ((Type *)made((mem), sizeof(Type), (void (*)(void *))(init)))
static void *made(struct ward_arena *mem, size_t n, void (*init)(void *))
{
    void *p = ward_alloc(mem, n);

    if (p != NULL)
        init(p);
    return p;
}

/* ---- the extension's members ---- */

static Extension *member(struct making *k, const char *url)
{
    Extension *e = MAKE(k->mem, Extension, ward__records__v1__extension__init);

    if (e == NULL || k->n == MEMBERS)
        return NULL;
    e->url = text(url);
    k->member[k->n++] = e;
    return e;
}

static void put_text(struct making *k, const char *url, const char *value)
{
    Extension *e = *value == '\0' ? NULL : member(k, url);

    if (e == NULL)
        return;
    e->value_case = WARD__RECORDS__V1__EXTENSION__VALUE_VALUE_STRING;
    e->value_string = text(value);
}

static void put_number(struct making *k, const char *url, double value)
{
    Extension *e = member(k, url);
    Decimal *d = MAKE(k->mem, Decimal, ward__records__v1__decimal__init);

    if (e == NULL || d == NULL)
        return;
    d->value = ward_printf(k->mem, "%.9g", value);
    e->value_case = WARD__RECORDS__V1__EXTENSION__VALUE_VALUE_DECIMAL;
    e->value_decimal = d;
}

static void put_bool(struct making *k, const char *url, bool value)
{
    Extension *e = member(k, url);

    if (e == NULL)
        return;
    e->value_case = WARD__RECORDS__V1__EXTENSION__VALUE_VALUE_BOOLEAN;
    e->value_boolean = value;
}

static void put_answer(struct making *k, const Answer *a)
{
    const Finding *f = a->findings[0];
    const Trace *t = a->trace;

    put_text(k, "model", t->model);
    put_text(k, "version", t->version);
    put_text(k, "weights-sha256", t->weights_sha256);
    put_text(k, "manifest-sha256", t->manifest_sha256);
    put_text(k, "signed-by", t->signed_by);
    put_text(k, "input-sha256", t->input_sha256);
    put_text(k, "plugin", t->plugin);
    put_text(k, "device", t->device);
    put_bool(k, "degraded", t->degraded);
    put_text(k, "transfer-syntax", t->transfer_syntax);
    for (size_t i = 0; i < t->n_transforms; i++)
        put_text(k, "transform", t->transforms[i]);
    put_text(k, "finding-system", f->code->system);
    put_text(k, "finding-code", f->code->code);
    put_text(k, "finding-display", f->code->display);
    put_number(k, "probability", f->probability);
    put_bool(k, "present", f->present);
    put_number(k, "threshold", f->threshold);
    put_number(k, "sensitivity", f->sensitivity);
    put_number(k, "specificity", f->specificity);
}

/* ---- the report ---- */

static Concept **concept_of(struct ward_arena *mem, const char *system, const char *code,
                            const char *display)
{
    Concept **list = ward_alloc(mem, sizeof(*list));
    Coding **coding = ward_alloc(mem, sizeof(*coding));
    Concept *c = MAKE(mem, Concept, ward__records__v1__codeable_concept__init);
    Coding *is = MAKE(mem, Coding, ward__records__v1__coding__init);

    if (list == NULL || coding == NULL || c == NULL || is == NULL)
        return NULL;
    is->system = text(system);
    is->code = text(code);
    is->display = text(display);
    coding[0] = is;
    c->coding = coding;
    c->n_coding = 1;
    c->text = text(display);
    list[0] = c;
    return list;
}

static Reference *to(struct ward_arena *mem, const char *kind, const char *id)
{
    Reference *r = MAKE(mem, Reference, ward__records__v1__reference__init);

    if (r != NULL)
        r->reference = ward_printf(mem, "%s/%s", kind, id);
    return r;
}

static void put_identifier(Report *r, const char *inference, struct ward_arena *mem)
{
    Identifier **list = ward_alloc(mem, sizeof(*list));
    Identifier *id = MAKE(mem, Identifier, ward__records__v1__identifier__init);

    if (list == NULL || id == NULL)
        return;
    id->system = text(REPORT_SYSTEM);
    id->value = text(inference);
    list[0] = id;
    r->identifier = list;
    r->n_identifier = 1;
}

static void put_extension(Report *r, const Answer *a, struct ward_arena *mem)
{
    struct making k = {.mem = mem};
    Extension **list = ward_alloc(mem, sizeof(*list));
    Extension *whole = MAKE(mem, Extension, ward__records__v1__extension__init);
    Extension **members = ward_alloc(mem, sizeof(k.member));

    if (list == NULL || whole == NULL || members == NULL)
        return;
    put_answer(&k, a);
    memcpy(members, k.member, sizeof(k.member));
    whole->url = text(REPORT_EXTENSION);
    whole->extension = members;
    whole->n_extension = k.n;
    list[0] = whole;
    r->extension = list;
    r->n_extension = 1;
}

static char *conclusion(const Answer *a, struct ward_arena *mem)
{
    const Finding *f = a->findings[0];

    return ward_printf(mem,
                       "%s: %s by a model (%s %s), probability %.2f, threshold %.2f. "
                       "Not confirmed by a clinician.",
                       f->code->display, f->present ? "present" : "not present",
                       a->trace->model, a->trace->version, f->probability, f->threshold);
}

enum ward_code report_make(const struct manifest *m, const Answer *answer, const char *patient,
                           const char *encounter, const char *at, struct ward_arena *mem,
                           Report **out, struct ward_err *err)
{
    Report *r = MAKE(mem, Report, ward__records__v1__diagnostic_report__init);
    Concept **code = concept_of(mem, m->report.system, m->report.code, m->report.display);

    if (r == NULL || code == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a report");
    r->status = WARD__RECORDS__V1__DIAGNOSTIC_REPORT__STATUS__STATUS_PRELIMINARY;
    r->code = code[0];
    r->category = concept_of(mem, m->category.system, m->category.code, m->category.display);
    r->n_category = 1;
    r->subject = to(mem, "Patient", patient);
    if (*encounter != '\0')
        r->encounter = to(mem, "Encounter", encounter);
    r->effective_case = WARD__RECORDS__V1__DIAGNOSTIC_REPORT__EFFECTIVE_EFFECTIVE_DATE_TIME;
    r->effective_date_time = text(at);
    r->issued = text(at);
    r->conclusion = conclusion(answer, mem);
    if (answer->findings[0]->present) {
        r->conclusion_code =
            concept_of(mem, m->finding.system, m->finding.code, m->finding.display);
        r->n_conclusion_code = 1;
    }
    put_identifier(r, answer->inference_id, mem);
    put_extension(r, answer, mem);
    *out = r;
    return mem->full ? WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a report") : WARD_OK;
}

/* ---- from a report to an answer ---- */

static const Extension *whole_of(const Report *r)
{
    for (size_t i = 0; i < r->n_extension; i++)
        if (strcmp(r->extension[i]->url, REPORT_EXTENSION) == 0)
            return r->extension[i];
    return NULL;
}

static char *text_of(const Extension *whole, const char *url)
{
    for (size_t i = 0; i < whole->n_extension; i++) {
        const Extension *e = whole->extension[i];

        if (strcmp(e->url, url) == 0 &&
            e->value_case == WARD__RECORDS__V1__EXTENSION__VALUE_VALUE_STRING)
            return e->value_string;
    }
    return text("");
}

static double number_of(const Extension *whole, const char *url)
{
    double v = 0;

    for (size_t i = 0; i < whole->n_extension; i++) {
        const Extension *e = whole->extension[i];

        if (strcmp(e->url, url) == 0 &&
            e->value_case == WARD__RECORDS__V1__EXTENSION__VALUE_VALUE_DECIMAL &&
            !ward_f64(e->value_decimal->value, &v))
            return 0;
    }
    return v;
}

static bool bool_of(const Extension *whole, const char *url)
{
    for (size_t i = 0; i < whole->n_extension; i++)
        if (strcmp(whole->extension[i]->url, url) == 0 &&
            whole->extension[i]->value_case ==
                WARD__RECORDS__V1__EXTENSION__VALUE_VALUE_BOOLEAN)
            return whole->extension[i]->value_boolean;
    return false;
}

static Trace *trace_of(const Extension *e, struct ward_arena *mem)
{
    Trace *t = MAKE(mem, Trace, ward__diagnosis__v1__trace__init);
    char **transforms = ward_alloc(mem, (e->n_extension + 1) * sizeof(char *));

    if (t == NULL || transforms == NULL)
        return NULL;
    t->model = text_of(e, "model");
    t->version = text_of(e, "version");
    t->weights_sha256 = text_of(e, "weights-sha256");
    t->manifest_sha256 = text_of(e, "manifest-sha256");
    t->signed_by = text_of(e, "signed-by");
    t->input_sha256 = text_of(e, "input-sha256");
    t->transfer_syntax = text_of(e, "transfer-syntax");
    t->plugin = text_of(e, "plugin");
    t->device = text_of(e, "device");
    t->degraded = bool_of(e, "degraded");
    for (size_t i = 0; i < e->n_extension; i++)
        if (strcmp(e->extension[i]->url, "transform") == 0 &&
            e->extension[i]->value_case == WARD__RECORDS__V1__EXTENSION__VALUE_VALUE_STRING)
            transforms[t->n_transforms++] = e->extension[i]->value_string;
    t->transforms = transforms;
    return t;
}

static Finding *finding_of(const Extension *e, struct ward_arena *mem)
{
    Finding *f = MAKE(mem, Finding, ward__diagnosis__v1__finding__init);
    Ward__Diagnosis__V1__Code *code =
        MAKE(mem, Ward__Diagnosis__V1__Code, ward__diagnosis__v1__code__init);

    if (f == NULL || code == NULL)
        return NULL;
    code->system = text_of(e, "finding-system");
    code->code = text_of(e, "finding-code");
    code->display = text_of(e, "finding-display");
    f->code = code;
    f->probability = number_of(e, "probability");
    f->present = bool_of(e, "present");
    f->threshold = number_of(e, "threshold");
    f->sensitivity = number_of(e, "sensitivity");
    f->specificity = number_of(e, "specificity");
    return f;
}

enum ward_code report_read(const Report *r, struct ward_arena *mem, Answer *out,
                           struct ward_err *err)
{
    const Extension *whole = whole_of(r);
    Finding **findings = ward_alloc(mem, sizeof(*findings));

    if (whole == NULL)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "REPORT_NOT_PRELIMINARY",
                                "this report is not a model's report");
    out->trace = trace_of(whole, mem);
    if (findings != NULL)
        findings[0] = finding_of(whole, mem);
    if (out->trace == NULL || findings == NULL || findings[0] == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an answer");
    out->findings = findings;
    out->n_findings = 1;
    for (size_t i = 0; i < r->n_identifier; i++)
        if (strcmp(r->identifier[i]->system, REPORT_SYSTEM) == 0)
            out->inference_id = r->identifier[i]->value;
    return WARD_OK;
}

enum ward_code report_model(const Answer *a, struct ward_arena *mem, Provenance *out,
                            struct ward_err *err)
{
    ward__records__v1__provenance__init(out);
    out->model = ward_printf(mem, "%s %s", a->trace->model, a->trace->version);
    out->model_sha256 = a->trace->weights_sha256;
    return out->model == NULL ? WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a report")
                              : WARD_OK;
}
