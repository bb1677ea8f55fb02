/* The sink, and what every kind has. */
#include "common/base/text.h"
#include "services/records/access/label.h"
#include "services/records/fhir/fhir.h"
#include "services/records/store/index_own.h"
#include "services/records/store/resource.h"

#include <stdlib.h>
#include <string.h>

bool sink_is(struct sink *s, enum ward_code code)
{
    if (s->code == WARD_OK)
        s->code = code;
    return s->code == WARD_OK;
}

void *sink_room(struct sink *s, void *list, size_t n, size_t *cap, size_t size)
{
    void *more;

    if (n < *cap)
        return list;
    more = ward_alloc(s->mem, (n == 0 ? 16 : 2 * n) * size);
    if (more == NULL) {
        sink_is(s, WARD_FAIL(s->err, RESOURCE_EXHAUSTED, "no memory to index a resource"));
        return NULL;
    }
    if (n > 0)
        memcpy(more, list, n * size);
    *cap = n == 0 ? 16 : 2 * n;
    return more;
}

void sink_text(struct sink *s, enum param p, const char *text, size_t n)
{
    struct found_by *f = s->out;
    struct token *list;

    if (n == 0 || s->code != WARD_OK)
        return;
    if (f->n_tokens == TOKENS_MAX) {
        sink_is(s, WARD_FAIL_REASON(s->err, INVALID_ARGUMENT, "RESOURCE_TOO_LARGE",
                                    "more than %d things to be found by", TOKENS_MAX));
        return;
    }
    list = sink_room(s, f->token, f->n_tokens, &s->token_cap, sizeof(*list));
    if (list == NULL)
        return;
    f->token = list;
    list[f->n_tokens].param = p;
    if (sink_is(s, param_hash(s->keys, p, text, n, list[f->n_tokens].hash, s->err)))
        f->n_tokens++;
}

static void put(struct sink *s, enum param p, const char *system, const char *value)
{
    const char *text;

    if (*value == '\0' || s->code != WARD_OK)
        return;
    text = ward_printf(s->mem, "%s|%s", system, value);
    if (text == NULL) {
        sink_is(s, WARD_FAIL(s->err, RESOURCE_EXHAUSTED, "no memory to index a resource"));
        return;
    }
    sink_text(s, p, text, strlen(text));
}

void sink_word(struct sink *s, enum param p, const char *code)
{
    put(s, p, "", code);
}

/* For the dictionary. The last token is the one of "system|code". */
static void name_code(struct sink *s, const Coding *c)
{
    struct found_by *f = s->out;
    struct named_code *list;

    if (s->code != WARD_OK || strlen(c->system) > 255 || strlen(c->code) > 255)
        return;
    list = sink_room(s, f->code, f->n_codes, &s->code_cap, sizeof(*list));
    if (list == NULL)
        return;
    f->code = list;
    list[f->n_codes] = (struct named_code){.system = c->system, .code = c->code};
    memcpy(list[f->n_codes++].hash, f->token[f->n_tokens - 1].hash, TOKEN_HASH);
}

void sink_coding(struct sink *s, enum param p, const Coding *c)
{
    if (c == NULL || *c->code == '\0')
        return;
    put(s, p, "", c->code);
    if (*c->system == '\0')
        return;
    put(s, p, c->system, c->code);
    name_code(s, c);
}

void sink_concept(struct sink *s, enum param p, const Concept *c)
{
    for (size_t i = 0; c != NULL && i < c->n_coding; i++)
        sink_coding(s, p, c->coding[i]);
}

void sink_concepts(struct sink *s, enum param p, Concept *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sink_concept(s, p, list[i]);
}

void sink_reference(struct sink *s, const Reference *r)
{
    uint8_t id[RECORDS_ID];
    char text[37];
    enum kind kind;

    if (r == NULL)
        return;
    if (reference_parse(r->reference, &kind, id)) {
        ward_uuid_text(id, text);
        put(s, PARAM_REFERENCE, "", text);
    } else {
        put(s, PARAM_REFERENCE, "", r->reference);
    }
}

void sink_references(struct sink *s, Reference *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sink_reference(s, list[i]);
}

void sink_identifiers(struct sink *s, Identifier *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        put(s, PARAM_IDENTIFIER, "", list[i]->value);
        if (*list[i]->system != '\0')
            put(s, PARAM_IDENTIFIER, list[i]->system, list[i]->value);
    }
}

void sink_encounter(struct sink *s, const Reference *r)
{
    enum kind kind;

    if (r == NULL)
        return;
    s->out->has_encounter = reference_parse(r->reference, &kind, s->out->encounter) &&
                            (kind == KIND_ENCOUNTER || kind == KIND_NONE);
    sink_reference(s, r);
}

void sink_labels(struct sink *s, const Meta *meta)
{
    for (size_t i = 0; meta != NULL && i < meta->n_security; i++)
        s->out->labels |= label_of_security(meta->security[i]->system, meta->security[i]->code);
}

void sink_attachment(struct sink *s, const Ward__Records__V1__Attachment *a)
{
    struct found_by *f = s->out;
    uint8_t(*list)[WARD_SHA256_SIZE];
    char hex[2 * WARD_SHA256_SIZE + 1];

    if (a == NULL || strncmp(a->url, ATTACHMENT_URN, strlen(ATTACHMENT_URN)) != 0)
        return;
    list = sink_room(s, f->attachment, f->n_attachments, &s->attachment_cap, sizeof(*list));
    if (list == NULL)
        return;
    f->attachment = list;
    if (!ward_unhex(a->url + strlen(ATTACHMENT_URN), list[f->n_attachments], WARD_SHA256_SIZE))
        return;
    ward_hex(list[f->n_attachments++], WARD_SHA256_SIZE, hex);
    sink_word(s, PARAM_ATTACHMENT, hex);
}

/* ---- dates ---- */

static void set_date(struct sink *s, bool second, int64_t from_us, int64_t to_us)
{
    if (second) {
        s->out->has_second = true;
        s->out->from2_us = from_us;
        s->out->to2_us = to_us;
    } else {
        s->out->from_us = from_us;
        s->out->to_us = to_us;
    }
}

void sink_date(struct sink *s, enum ward_fhirtime_type type, const char *text, bool second)
{
    struct ward_fhirtime t;

    if (text != NULL && *text != '\0' &&
        sink_is(s, ward_fhirtime_parse(type, text, strlen(text), INDEX_ZONE, &t, s->err)))
        set_date(s, second, t.from_us, t.to_us);
}

void sink_span(struct sink *s, const Period *p, int64_t *from_us, int64_t *to_us)
{
    struct ward_fhirtime t;

    *from_us = DATE_SINCE;
    *to_us = DATE_OPEN;
    if (p == NULL)
        return;
    if (*p->start != '\0' &&
        sink_is(s, ward_fhirtime_parse(WARD_FHIR_DATETIME, p->start, strlen(p->start),
                                       INDEX_ZONE, &t, s->err)))
        *from_us = t.from_us;
    if (*p->end != '\0' &&
        sink_is(s, ward_fhirtime_parse(WARD_FHIR_DATETIME, p->end, strlen(p->end), INDEX_ZONE,
                                       &t, s->err)))
        *to_us = t.to_us;
}

#define HOUR_US (3600 * WARD_US_PER_SECOND)

static bool names_no_zone(struct sink *s, const char *text)
{
    struct ward_fhirtime t;

    return *text != '\0' &&
           sink_is(s, ward_fhirtime_parse(WARD_FHIR_DATETIME, text, strlen(text), INDEX_ZONE,
                                          &t, s->err)) &&
           !t.has_offset;
}

void sink_span_widest(struct sink *s, const Period *p, int64_t *from_us, int64_t *to_us)
{
    sink_span(s, p, from_us, to_us);
    if (p != NULL && names_no_zone(s, p->start))
        *from_us -= 14 * HOUR_US;
    if (p != NULL && names_no_zone(s, p->end))
        *to_us += 12 * HOUR_US;
}

void sink_period(struct sink *s, const Period *p, bool second)
{
    int64_t from_us, to_us;

    if (p == NULL || (*p->start == '\0' && *p->end == '\0'))
        return;
    sink_span(s, p, &from_us, &to_us);
    set_date(s, second, from_us, to_us);
}

/* ---- labels ---- */

/* What is said anywhere is said: in evidence, a manifestation, an extension too. What stands in
 * more_json has no fields and is not looked at; a coding without a system is none. */
static enum ward_code label_coding(void *arg, const char *path, const ProtobufCMessage *m,
                                   const ProtobufCFieldDescriptor *f, void *value,
                                   struct ward_err *err)
{
    struct found_by *out = arg;
    const Coding *c;

    (void)path;
    (void)m;
    (void)err;
    if (f->type != PROTOBUF_C_TYPE_MESSAGE ||
        f->descriptor != &ward__records__v1__coding__descriptor)
        return WARD_OK;
    c = *(Coding **)value;
    if (c != NULL)
        out->labels |= label_of_code(c->system, c->code);
    return WARD_OK;
}

/* Coded, and in no system that label.c reads. */
static bool is_unread(const Ward__Records__V1__CodeableConcept *c)
{
    bool coded = false;

    for (size_t i = 0; c != NULL && i < c->n_coding; i++) {
        if (*c->coding[i]->code == '\0')
            continue;
        if (label_reads(c->coding[i]->system, c->coding[i]->code))
            return false;
        coded = true;
    }
    return coded;
}

/* NULL where a reference names the medicine: the two share their storage. */
static const Concept *medicine_of(const Resource *res)
{
    const Ward__Records__V1__MedicationStatement *m = res->medication_statement;

    return m->medication_case ==
                   WARD__RECORDS__V1__MEDICATION_STATEMENT__MEDICATION_MEDICATION_CODEABLE_CONCEPT
               ? m->medication_codeable_concept
               : NULL;
}

static const Concept *prescribed_of(const Resource *res)
{
    const Ward__Records__V1__MedicationRequest *m = res->medication_request;

    return m->medication_case ==
                   WARD__RECORDS__V1__MEDICATION_REQUEST__MEDICATION_MEDICATION_CODEABLE_CONCEPT
               ? m->medication_codeable_concept
               : NULL;
}

/* Of an allergy it is not asked: a hidden allergy harms more than a shown one. */
static uint32_t label_unknown(const Resource *res)
{
    switch (resource_kind(res)) {
    case KIND_OBSERVATION:
        return is_unread(res->observation->code) ? LABEL_UNKNOWN : 0;
    case KIND_CONDITION:
        return is_unread(res->condition->code) ? LABEL_UNKNOWN : 0;
    case KIND_REPORT:
        return is_unread(res->diagnostic_report->code) ? LABEL_UNKNOWN : 0;
    case KIND_MEDICATION:
        return is_unread(medicine_of(res)) ? LABEL_UNKNOWN : 0;
    case KIND_PRESCRIPTION:
        return is_unread(prescribed_of(res)) ? LABEL_UNKNOWN : 0;
    case KIND_PROCEDURE:
        return is_unread(res->procedure->code) ? LABEL_UNKNOWN : 0;
    case KIND_IMMUNIZATION:
        return is_unread(res->immunization->vaccine_code) ? LABEL_UNKNOWN : 0;
    case KIND_SERVICE:
        return is_unread(res->service_request->code) ? LABEL_UNKNOWN : 0;
    default:
        return 0;
    }
}

/* ---- one resource ---- */

int token_cmp(const struct token *a, const struct token *b)
{
    if (a->param != b->param)
        return a->param < b->param ? -1 : 1;
    return memcmp(a->hash, b->hash, TOKEN_HASH);
}

static int by_param_and_hash(const void *a, const void *b)
{
    return token_cmp(a, b);
}

/* No token twice: they are rows of one key. */
static void once(struct found_by *f)
{
    size_t n = 0;

    if (f->n_tokens == 0)
        return;
    qsort(f->token, f->n_tokens, sizeof(*f->token), by_param_and_hash);
    for (size_t i = 1; i < f->n_tokens; i++)
        if (token_cmp(&f->token[n], &f->token[i]) != 0)
            f->token[++n] = f->token[i];
    f->n_tokens = n + 1;
}

static bool index_nobodys(struct sink *s, const Resource *res)
{
    switch (s->out->kind) {
    case KIND_PRACTITIONER:
        index_practitioner(s, res->practitioner);
        return true;
    case KIND_ORGANIZATION:
        index_organization(s, res->organization);
        return true;
    case KIND_LOCATION:
        index_location(s, res->location);
        return true;
    default:
        return false;
    }
}

/* False: it holds none. */
static bool index_kind(struct sink *s, const Resource *res)
{
    switch (s->out->kind) {
    case KIND_PATIENT:
        index_patient(s, res->patient);
        break;
    case KIND_ENCOUNTER:
        index_encounter(s, res->encounter);
        break;
    case KIND_OBSERVATION:
        index_observation(s, res->observation);
        break;
    case KIND_CONDITION:
        index_condition(s, res->condition);
        break;
    case KIND_ALLERGY:
        index_allergy(s, res->allergy_intolerance);
        break;
    case KIND_DOCUMENT:
        index_document(s, res->document_reference);
        break;
    case KIND_REPORT:
        index_report(s, res->diagnostic_report);
        break;
    case KIND_CONSENT:
        index_consent(s, res->consent);
        break;
    case KIND_MEDICATION:
        index_medication(s, res->medication_statement);
        break;
    case KIND_OTHER:
        index_other(s, res);
        break;
    case KIND_PRESCRIPTION:
        index_prescription(s, res->medication_request);
        break;
    case KIND_PROCEDURE:
        index_procedure(s, res->procedure);
        break;
    case KIND_IMMUNIZATION:
        index_immunization(s, res->immunization);
        break;
    case KIND_SERVICE:
        index_service(s, res->service_request);
        break;
    default:
        return index_nobodys(s, res);
    }
    return true;
}

enum ward_code index_of(struct ward_keyring *keys, struct ward_arena *mem, const Resource *res,
                        struct found_by *out, struct ward_err *err)
{
    struct found_by f = {.kind = resource_kind(res),
                         .wrong = resource_is_wrong(res),
                         .from_us = NO_DATE,
                         .to_us = NO_DATE,
                         .birth_us = NO_DATE};
    struct sink s = {.keys = keys, .mem = mem, .out = &f, .err = err};

    if (!index_kind(&s, res))
        return WARD_FAIL_FIELD(err, "resource", "holds none");
    once(&f);
    f.labels |= label_unknown(res);
    if (s.code == WARD_OK)
        s.code = fhir_visit(mem, res, label_coding, &f, err);
    if (s.code == WARD_OK)
        *out = f;
    return s.code;
}
