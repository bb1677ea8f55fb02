#include "services/records/exchange/deid.h"

#include "common/measure/decimal.h"
#include "common/measure/fhirtime.h"
#include "services/records/exchange/clean_walk.h"
#include "services/records/store/chart.h"

#include <string.h>

typedef ProtobufCMessage Message;
typedef ProtobufCFieldDescriptor Field;

#define UCUM "http://unitsofmeasure.org"
/* years of age from which only "over 89" is exported: 45 CFR 164.514(b)(2)(i)(C) */
#define OVER_YEARS 90
#define SHIFTS     364

/* ---- fields ---- */

static void *at(Message *m, const Field *f)
{
    return (char *)m + f->offset;
}

void deid_clear(Message *m, const Field *f)
{
    void *quantifier = (char *)m + f->quantifier_offset;

    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        *(size_t *)quantifier = 0;
    else if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        *(uint32_t *)quantifier = 0;
    else if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        *(Message **)at(m, f) = NULL;
    else if (f->type == PROTOBUF_C_TYPE_STRING)
        *(char **)at(m, f) = (char *)(uintptr_t) "";
    else if (f->type == PROTOBUF_C_TYPE_BYTES)
        *(ProtobufCBinaryData *)at(m, f) = (ProtobufCBinaryData){0};
    else if (f->type == PROTOBUF_C_TYPE_BOOL)
        *(protobuf_c_boolean *)at(m, f) = 0;
    else
        *(uint32_t *)at(m, f) = 0;
}

static bool is_empty(const Message *m)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++)
        if (walk_count(m, &m->descriptor->fields[i]) > 0)
            return false;
    return true;
}

/* ---- pseudonyms and days ---- */

/* Computes a keyed hash of a project ("": all projects), a use and an id. */
static enum ward_code secret(const struct deid *d, const char *project, const char *use,
                             const uint8_t id[RECORDS_ID], uint8_t out[WARD_SHA256_SIZE],
                             struct ward_err *err)
{
    char text[37];
    const char *bound;

    ward_uuid_text(id, text);
    bound = ward_printf(d->mem, "%s %s", project, text);
    if (bound == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a pseudonym");
    return ward_keyring_hash(d->keys, use, bound, strlen(bound), out, err);
}

static bool is_theirs(const struct deid *d, const uint8_t id[RECORDS_ID])
{
    for (size_t i = 0; i < d->n; i++)
        if (memcmp(d->all[i], id, RECORDS_ID) == 0)
            return true;
    return false;
}

/* Computes a pseudonym: a UUID of version 8 (RFC 9562). All patients of a chart get the
 * pseudonym of its root. */
static enum ward_code pseudonym(const struct deid *d, const uint8_t id[RECORDS_ID],
                                char out[37], struct ward_err *err)
{
    uint8_t sum[WARD_SHA256_SIZE];

    WARD_TRY(
        secret(d, d->project, "deidentified id", is_theirs(d, id) ? d->root : id, sum, err));
    sum[6] = (uint8_t)((sum[6] & 0x0f) | 0x80);
    sum[8] = (uint8_t)((sum[8] & 0x3f) | 0x80);
    ward_uuid_text(sum, out);
    return WARD_OK;
}

static void begin_ages(struct deid *d, const char *birth_date, int64_t now_us)
{
    struct ward_fhirtime t;
    int year, month, day;
    bool known = ward_fhirtime_parse(WARD_FHIR_DATE, birth_date, strlen(birth_date), 0, &t,
                                     NULL) == WARD_OK;

    ward_days_to(now_us / WARD_US_PER_DAY, &year, &month, &day);
    d->over_89 = known && year - t.year >= OVER_YEARS;
    d->hide_ages = !known || d->over_89;
    d->ancient_us =
        ward_days_of(year - OVER_YEARS + 1, month, day < 28 ? day : 28) * WARD_US_PER_DAY;
}

enum ward_code deid_begin(struct deid *d, const char *birth_date, int64_t now_us,
                          struct ward_err *err)
{
    uint8_t sum[WARD_SHA256_SIZE];
    uint64_t n = 0;

    /* The shift does not depend on the project: several projects with different shifts would
     * together reveal the true dates. */
    WARD_TRY(secret(d, "", "deidentified days", d->root, sum, err));
    for (size_t i = 0; i < sizeof(n); i++)
        n = n << 8 | sum[i];
    d->back_days = (int)(n % SHIFTS) + 1;
    begin_ages(d, birth_date, now_us);
    return WARD_OK;
}

/* ---- strings with their own rule ---- */

static void none(char **text)
{
    *text = (char *)(uintptr_t) "";
}

static void text_coding(Ward__Records__V1__Coding *c)
{
    if (!deid_is_code(c->system, c->code)) {
        none(&c->system);
        none(&c->code);
    }
}

static void text_decimal(Ward__Records__V1__Decimal *v)
{
    struct ward_decimal x;

    if (ward_decimal_parse(v->value, strlen(v->value), &x, NULL) != WARD_OK)
        none(&v->value);
}

static void text_quantity(Ward__Records__V1__Quantity *q)
{
    static const char *const signs[] = {"", "<", "<=", ">=", ">"};
    bool is_sign = false;

    for (size_t i = 0; i < WARD_COUNT(signs); i++)
        is_sign = is_sign || strcmp(q->comparator, signs[i]) == 0;
    if (!is_sign)
        none(&q->comparator);
    if (strcmp(q->system, UCUM) != 0 || !deid_is_unit(q->code)) {
        none(&q->system);
        none(&q->code);
    }
}

/* Replaces the id in a reference to an exported kind. Removes any other reference, which may
 * identify a person or place. */
static enum ward_code text_reference(const struct deid *d, Ward__Records__V1__Reference *r,
                                     struct ward_err *err)
{
    uint8_t id[RECORDS_ID];
    enum kind kind;
    char text[37];

    if (!reference_parse(r->reference, &kind, id)) {
        none(&r->reference);
        return WARD_OK;
    }
    WARD_TRY(pseudonym(d, id, text, err));
    r->reference = kind == KIND_NONE ? ward_printf(d->mem, "urn:uuid:%s", text)
                                     : ward_printf(d->mem, "%s/%s", kind_name(kind), text);
    return r->reference != NULL
               ? WARD_OK
               : WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a pseudonym");
}

static enum ward_code text_id(const struct deid *d, char **at_id, struct ward_err *err)
{
    uint8_t id[RECORDS_ID];
    char *text = ward_alloc(d->mem, 37);

    if (text == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a pseudonym");
    if (!ward_uuid_parse(*at_id, id))
        return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                "a resource has no id of this service");
    WARD_TRY(pseudonym(d, id, text, err));
    *at_id = text;
    return WARD_OK;
}

/* Reduces the birth date to the year. For patients over 89, removes the birth date. */
static void text_birth(const struct deid *d, Ward__Records__V1__Patient *p)
{
    struct ward_fhirtime t;
    char *year = ward_strdup(d->mem, p->birth_date);

    if (d->over_89 || year == NULL ||
        ward_fhirtime_parse(WARD_FHIR_DATE, p->birth_date, strlen(p->birth_date), 0, &t,
                            NULL) != WARD_OK) {
        none(&p->birth_date);
        return;
    }
    year[4] = '\0';
    p->birth_date = year;
}

static enum ward_code texts(const struct deid *d, Message *m, struct ward_err *err)
{
    const ProtobufCMessageDescriptor *t = m->descriptor;
    const Field *id = protobuf_c_message_descriptor_get_field_by_name(t, "id");

    if (t == &ward__records__v1__coding__descriptor)
        text_coding((void *)m);
    else if (t == &ward__records__v1__decimal__descriptor)
        text_decimal((void *)m);
    else if (t == &ward__records__v1__quantity__descriptor)
        text_quantity((void *)m);
    else if (t == &ward__records__v1__reference__descriptor)
        return text_reference(d, (void *)m, err);
    else if (t == &ward__records__v1__address__descriptor &&
             !deid_is_state(((Ward__Records__V1__Address *)(void *)m)->state))
        none(&((Ward__Records__V1__Address *)(void *)m)->state);
    else if (t == &ward__records__v1__patient__descriptor)
        text_birth(d, (void *)m);
    return id != NULL ? text_id(d, at(m, id), err) : WARD_OK;
}

/* ---- the walk ---- */

static enum ward_code scrub(const struct deid *d, Message *m, struct ward_err *err);

/* De-identifies the values of a message field, and removes the values that are empty
 * afterwards. */
static enum ward_code scrub_subs(const struct deid *d, Message *m, const Field *f,
                                 struct ward_err *err)
{
    size_t n = walk_count(m, f), kept = 0;

    for (size_t i = 0; i < n; i++) {
        Message *sub = walk_sub(m, f, i);

        WARD_TRY(scrub(d, sub, err));
        if (is_empty(sub))
            continue;
        if (f->label == PROTOBUF_C_LABEL_REPEATED)
            (*(Message ***)at(m, f))[kept] = sub;
        kept++;
    }
    if (kept == 0)
        deid_clear(m, f);
    else if (f->label == PROTOBUF_C_LABEL_REPEATED)
        *(size_t *)(void *)((char *)m + f->quantifier_offset) = kept;
    return WARD_OK;
}

/* Shifts a time by back_days, and converts it to UTC, truncated to the second. The original
 * offset would reveal summer time and therefore the season. Fractions of a second would
 * identify the record to a holder of the original. */
static enum ward_code moved(const struct deid *d, const char *text,
                            char out[WARD_FHIRTIME_SIZE])
{
    struct ward_fhirtime t;

    WARD_TRY(ward_fhirtime_parse(WARD_FHIR_DATETIME, text, strlen(text), 0, &t, NULL));
    if (t.precision < WARD_TO_SECOND)
        return ward_fhirtime_shift(WARD_FHIR_DATETIME, text, strlen(text), -d->back_days, out,
                                   NULL);
    return ward_fhirtime_print(t.from_us - d->back_days * WARD_US_PER_DAY, 0, 0, out, NULL);
}

static enum ward_code shift(const struct deid *d, Message *m, const Field *f,
                            struct ward_err *err)
{
    char **text = at(m, f), *out = ward_alloc(d->mem, WARD_FHIRTIME_SIZE);

    if (out == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a date");
    if (deid_is_ancient(d, *text) || moved(d, *text, out) != WARD_OK) {
        deid_clear(m, f);
        return WARD_OK;
    }
    *text = out;
    return WARD_OK;
}

static enum ward_code scrub(const struct deid *d, Message *m, struct ward_err *err)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const Field *f = &m->descriptor->fields[i];
        enum deid_how how = walk_count(m, f) == 0 ? DEID_TEXT : deid_how(m->descriptor, f);

        if (how == DEID_DROP || how == DEID_UNDECIDED)
            deid_clear(m, f);
        else if (how == DEID_SHIFT)
            WARD_TRY(shift(d, m, f, err));
        else if (how == DEID_KEEP && f->type == PROTOBUF_C_TYPE_MESSAGE)
            WARD_TRY(scrub_subs(d, m, f, err));
    }
    return texts(d, m, err);
}

/* ---- one resource ---- */

static enum ward_code tag(const struct deid *d, Ward__Records__V1__Patient *p,
                          struct ward_err *err)
{
    Ward__Records__V1__Meta *meta = ward_new(d->mem, Ward__Records__V1__Meta);
    Ward__Records__V1__Coding *c = ward_new(d->mem, Ward__Records__V1__Coding);
    Ward__Records__V1__Coding **tags = ward_alloc(d->mem, sizeof(Ward__Records__V1__Coding *));

    if (meta == NULL || c == NULL || tags == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a tag");
    ward__records__v1__meta__init(meta);
    ward__records__v1__coding__init(c);
    c->system = (char *)(uintptr_t)DEID_TAGS;
    c->code = (char *)(uintptr_t)DEID_OVER_89;
    tags[0] = c;
    meta->tag = tags;
    meta->n_tag = 1;
    p->meta = meta;
    return WARD_OK;
}

enum ward_code deid_resource(const struct deid *d, Resource *res, bool *out,
                             struct ward_err *err)
{
    bool is_patient = res->resource_case == WARD__RECORDS__V1__RESOURCE__RESOURCE_PATIENT;
    Message *m = (Message *)(void *)res->patient; /* valid for any kind */
    uint8_t id[RECORDS_ID];

    *out = false;
    if (res->resource_case == WARD__RECORDS__V1__RESOURCE__RESOURCE__NOT_SET ||
        res->resource_case == WARD__RECORDS__V1__RESOURCE__RESOURCE_OTHER ||
        kind_is_nobodys(resource_kind(res)) || deid_tells(d, res))
        return WARD_OK;
    if (is_patient &&
        (!ward_uuid_parse(res->patient->id, id) || memcmp(id, d->root, RECORDS_ID) != 0))
        return WARD_OK;
    if (d->hide_ages)
        deid_no_ages(m);
    WARD_TRY(scrub(d, m, err));
    *out = true;
    return is_patient && d->over_89 ? tag(d, res->patient, err) : WARD_OK;
}
