#include "common/base/text.h"
#include "services/records/access/label.h"
#include "services/records/index/index_own.h"
#include "services/records/index/resource.h"

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
                                    "the resource has more than %d search values", TOKENS_MAX));
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

/* Adds a code for the dictionary. The last token is the hash of "system|code". */
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
