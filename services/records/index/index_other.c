/* Indexes uninterpreted resources by kind, by the first date found in a list of elements, by
 * codings and by identifiers. Each coding adds its labels. An invalid date is ignored, because
 * the resource is stored unchanged. Source: HL7 FHIR R4, https://hl7.org/fhir/R4/fivews.html:
 * date elements that many kinds share. Dates of an action or intention come before dates of
 * recording. */
#include "services/records/access/label.h"
#include "services/records/index/index_own.h"

#include "common/json/json.h"
#include "services/records/fhir/fhir.h"

#include <string.h>

#define UCUM "http://unitsofmeasure.org"
/* Maximum tokens from codings and identifiers. A resource with more is stored and has the
 * labels of all codings, but searches find only these tokens. */
#define CODES_MOST (TOKENS_MAX / 2)

/* ---- dates ---- */

static bool parse(const struct ward_json *v, struct ward_fhirtime *out)
{
    const char *s = ward_json_string(v);

    return s != NULL && ward_fhirtime_parse(WARD_FHIR_DATETIME, s, strlen(s), INDEX_ZONE, out,
                                            NULL) == WARD_OK;
}

static bool set_period(struct found_by *f, const struct ward_json *v)
{
    struct ward_fhirtime start, end;
    bool has_start = parse(ward_json_get(v, "start"), &start);
    bool has_end = parse(ward_json_get(v, "end"), &end);

    if (!has_start && !has_end)
        return false;
    f->from_us = has_start ? start.from_us : DATE_SINCE;
    f->to_us = has_end ? end.to_us : DATE_OPEN;
    return true;
}

static bool set_date(struct found_by *f, const struct ward_json *v)
{
    struct ward_fhirtime t;

    if (ward_json_is(v, WARD_JSON_OBJECT))
        return set_period(f, v);
    if (!parse(v, &t))
        return false;
    f->from_us = t.from_us;
    f->to_us = t.to_us;
    return true;
}

static void dates(struct sink *s, const struct ward_json *v)
{
    static const char *const names[] = {
        "occurrenceDateTime",
        "occurrencePeriod",
        "performedDateTime",
        "performedPeriod",
        "effectiveDateTime",
        "effectivePeriod",
        "servicedDate",
        "servicedPeriod",
        "billablePeriod",
        "executionPeriod",
        "period",
        "started",
        "start",
        "startDate",
        "authoredOn",
        "authored",
        "recorded",
        "recordedDate",
        "created",
        "sent",
        "date",
        "issued",
    };

    for (size_t i = 0; i < WARD_COUNT(names); i++)
        if (set_date(s->out, ward_json_get(v, names[i])))
            return;
}

/* ---- codes ---- */

/* The text of a string or a number (a code may be written as a number); "" for other values. */
static const char *text_of(const struct ward_json *v, const char *key)
{
    const struct ward_json *x = ward_json_get(v, key);

    return ward_json_is(x, WARD_JSON_STRING) || ward_json_is(x, WARD_JSON_NUMBER) ? x->text
                                                                                  : "";
}

static bool is_read(const struct ward_json *coding)
{
    const char *system = text_of(coding, "system");

    return *text_of(coding, "code") != '\0' &&
           (label_reads(system, text_of(coding, "code")) || strcmp(system, LABEL_SYSTEM) == 0);
}

/* Whether a list of codings of one concept has a recognized coding. That coding makes the
 * others count as recognized. */
static bool any_is_read(const struct ward_json *list)
{
    for (const struct ward_json *x = list->first; x != NULL; x = x->next)
        if (is_read(x))
            return true;
    return false;
}

/* Indexes and labels an object with a code, which may be a Coding. A UCUM unit is excluded. */
static void look(struct sink *s, const struct ward_json *v, bool beside_read)
{
    const char *system = text_of(v, "system"), *code = text_of(v, "code");
    Coding c = WARD__RECORDS__V1__CODING__INIT;

    if (*code == '\0' || strcmp(system, UCUM) == 0)
        return;
    c.system = (char *)(uintptr_t)system;
    c.code = (char *)(uintptr_t)code;
    s->out->labels |= label_of_code(system, code) | label_of_security(system, code);
    if (!beside_read && !is_read(v))
        s->out->labels |= LABEL_UNKNOWN;
    if (s->out->n_tokens < CODES_MOST)
        sink_coding(s, PARAM_CODE, &c);
}

/* NOLINTNEXTLINE(misc-no-recursion): a parsed text nests at most WARD_JSON_DEPTH deep */
static void walk(struct sink *s, const struct ward_json *v, bool beside_read)
{
    if (ward_json_is(v, WARD_JSON_OBJECT))
        look(s, v, beside_read);
    if (!ward_json_is(v, WARD_JSON_OBJECT) && !ward_json_is(v, WARD_JSON_ARRAY))
        return;
    for (const struct ward_json *x = v->first; x != NULL; x = x->next) {
        bool codings = v->kind == WARD_JSON_OBJECT && x->kind == WARD_JSON_ARRAY &&
                       strcmp(x->key, "coding") == 0;

        walk(s, x, codings ? any_is_read(x) : v->kind == WARD_JSON_ARRAY && beside_read);
    }
}

static void identifier(struct sink *s, const struct ward_json *v)
{
    Identifier id = WARD__RECORDS__V1__IDENTIFIER__INIT, *list = &id;

    id.system = (char *)(uintptr_t)text_of(v, "system");
    id.value = (char *)(uintptr_t)text_of(v, "value");
    if (s->out->n_tokens < CODES_MOST)
        sink_identifiers(s, &list, 1);
}

static void identifiers(struct sink *s, const struct ward_json *v)
{
    if (!ward_json_is(v, WARD_JSON_ARRAY)) {
        identifier(s, v);
        return;
    }
    for (const struct ward_json *x = v->first; x != NULL; x = x->next)
        identifier(s, x);
}

/* Visits meta and the patient's reference: adds security labels, and indexes more_json. */
static enum ward_code visit(void *arg, const char *path, const ProtobufCMessage *m,
                            const ProtobufCFieldDescriptor *f, void *value,
                            struct ward_err *err)
{
    const struct ward_json *v = NULL;
    struct sink *s = arg;
    const char *text;

    (void)path;
    if (m->descriptor == &ward__records__v1__coding__descriptor) {
        const Coding *c = (const Coding *)(const void *)m;

        s->out->labels |= label_of_security(c->system, c->code);
    }
    if (strcmp(f->name, "more_json") != 0)
        return WARD_OK;
    text = *(char **)value;
    WARD_TRY(ward_json_parse(text, strlen(text), NULL, s->mem, &v, err));
    walk(s, v, false);
    return WARD_OK;
}

void index_other(struct sink *s, const Resource *res)
{
    const Ward__Records__V1__Other *o = res->other;
    const struct ward_json *v = NULL;

    if (!sink_is(s, fhir_visit(s->mem, res, visit, s, s->err)))
        return;
    sink_labels(s, o->meta);
    sink_word(s, PARAM_TYPE, o->type);
    if (*o->json == '\0' ||
        !sink_is(s, ward_json_parse(o->json, strlen(o->json), NULL, s->mem, &v, s->err)))
        return;
    dates(s, v);
    identifiers(s, ward_json_get(v, "identifier"));
    walk(s, v, false);
}
