/* Merges two versions of a Patient, one of a source and one of another author, by element.
 * Before that, checks whether the two versions can be one person.
 *
 * A whole FHIR element is compared: if the source adds one telephone and a clerk another,
 * `telecom` is in conflict. Only `identifier` is merged item by item.
 */
#include "services/records/exchange/import.h"

#include <ctype.h>
#include <string.h>

typedef Ward__Records__V1__Identifier Identifier;
typedef Ward__Records__V1__Patient Patient;
typedef ProtobufCFieldDescriptor Field;

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL", "the resource is too large");
}

/* ---- the same person ---- */

static bool dates_differ(const char *a, const char *b)
{
    size_t n = strlen(a) < strlen(b) ? strlen(a) : strlen(b); /* 1980 and 1980-01-01 agree */

    return n > 0 && strncmp(a, b, n) != 0;
}

static enum ward_code families_differ(struct ward_arena *mem, const Patient *a,
                                      const Patient *b, bool *out, struct ward_err *err)
{
    size_t compared = 0;

    *out = false;
    for (size_t i = 0; i < a->n_name; i++)
        for (size_t k = 0; k < b->n_name; k++) {
            const char *x = a->name[i]->family, *y = b->name[k]->family;
            char *fold_x, *fold_y;

            if (*x == '\0' || *y == '\0')
                continue;
            WARD_TRY(param_fold(mem, x, &fold_x, err));
            WARD_TRY(param_fold(mem, y, &fold_y, err));
            if (strcmp(fold_x, fold_y) == 0)
                return WARD_OK;
            compared++;
        }
    *out = compared > 0;
    return WARD_OK;
}

/* "J" and "John" agree. */
static bool given_agree(const char *a, const char *b)
{
    size_t n = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

    return strcmp(a, b) == 0 || (n == 1 && *a == *b && isalpha((unsigned char)*a));
}

/* Whether no given name of a agrees with a given name of b. Twins share birth date and family
 * name, and differ only here. */
static enum ward_code givens_differ(struct ward_arena *mem, const Patient *a, const Patient *b,
                                    bool *out, struct ward_err *err)
{
    char *x, *y;

    *out = false;
    for (size_t i = 0; i < a->n_name; i++)
        for (size_t k = 0; k < b->n_name; k++)
            for (size_t m = 0; m < a->name[i]->n_given * b->name[k]->n_given; m++) {
                size_t ours = m / b->name[k]->n_given, theirs = m % b->name[k]->n_given;

                WARD_TRY(param_fold(mem, a->name[i]->given[ours], &x, err));
                WARD_TRY(param_fold(mem, b->name[k]->given[theirs], &y, err));
                *out = *out || (*x != '\0' && *y != '\0');
                if (*x != '\0' && given_agree(x, y)) {
                    *out = false;
                    return WARD_OK;
                }
            }
    return WARD_OK;
}

/* Whether `other` has identifiers of the identifier's system, and none of them equals the
 * identifier. */
static bool contradicts(const Identifier *id, const Patient *other)
{
    bool has = false;

    for (size_t i = 0; i < other->n_identifier; i++) {
        const Identifier *o = other->identifier[i];

        if (strcmp(o->system, id->system) != 0 || *o->value == '\0')
            continue;
        if (strcmp(o->value, id->value) == 0)
            return false;
        has = true;
    }
    return has;
}

static enum ward_code two(struct stage *s, struct staged *e, const char *path, const char *text,
                          bool *out, struct ward_err *err)
{
    *out = true;
    return problem_add(s->mem, &e->in.problems, "DUPLICATE_PATIENT", path, text, NULL, err);
}

enum ward_code known_differs(struct stage *s, struct staged *e, const Resource *old, bool *out,
                             struct ward_err *err)
{
    const Patient *a = e->in.res->patient, *b = old->patient;
    bool differ;

    *out = false;
    if (dates_differ(a->birth_date, b->birth_date))
        WARD_TRY(two(s, e, "Patient.birthDate",
                     "the patient with this identifier was born on another day", out, err));
    WARD_TRY(families_differ(s->work, a, b, &differ, err));
    if (differ && a->gender != 0 && b->gender != 0 && a->gender != b->gender)
        WARD_TRY(two(s, e, "Patient.name",
                     "the patient with this identifier has another family name and gender", out,
                     err));
    WARD_TRY(givens_differ(s->work, a, b, &differ, err));
    if (differ)
        WARD_TRY(two(s, e, "Patient.name",
                     "the patient with this identifier has another given name", out, err));
    for (size_t i = 0; i < a->n_identifier; i++)
        if (*a->identifier[i]->value != '\0' && known_trusts(s, a->identifier[i]->system) &&
            contradicts(a->identifier[i], b))
            return two(
                s, e, "Patient.identifier",
                "the patient with this identifier has another identifier of a trusted system",
                out, err);
    return WARD_OK;
}

/* ---- elements ---- */

static bool is_oneof(const Field *f)
{
    return (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

/* Returns the selected member of f's oneof, or NULL if no member is selected. A field outside a
 * oneof is returned unchanged. */
static const Field *member(const Patient *p, const Field *f)
{
    uint32_t set;

    if (!is_oneof(f))
        return f;
    memcpy(&set, (const char *)p + f->quantifier_offset, sizeof(set));
    return set == 0 ? NULL : protobuf_c_message_descriptor_get_field(p->base.descriptor, set);
}

static size_t size_of(const Field *f)
{
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        return sizeof(void *);
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    default: /* enums and int32: a Patient has no other field types */
        return sizeof(int32_t);
    }
}

/* Copies f, or the oneof that contains f, from `from` to `to`, by reference. */
static void take(Patient *to, const Patient *from, const Field *f)
{
    const Field *set = member(from, f);

    if (is_oneof(f))
        memcpy((char *)to + f->quantifier_offset, (const char *)from + f->quantifier_offset,
               sizeof(uint32_t));
    else if (f->label == PROTOBUF_C_LABEL_REPEATED)
        memcpy((char *)to + f->quantifier_offset, (const char *)from + f->quantifier_offset,
               sizeof(size_t));
    if (set != NULL)
        memcpy((char *)to + set->offset, (const char *)from + set->offset, size_of(set));
}

struct bytes {
    uint8_t *p;
    size_t n;
};

static enum ward_code pack(struct ward_arena *mem, const ProtobufCMessage *m, struct bytes *out,
                           struct ward_err *err)
{
    out->n = protobuf_c_message_get_packed_size(m);
    out->p = ward_alloc(mem, out->n + 1);
    if (out->p == NULL)
        return no_memory(err);
    protobuf_c_message_pack(m, out->p);
    return WARD_OK;
}

/* Serializes one element of p; without p, an empty Patient. */
static enum ward_code element(struct ward_arena *mem, const Patient *p, const Field *f,
                              struct bytes *out, struct ward_err *err)
{
    Patient one = WARD__RECORDS__V1__PATIENT__INIT;

    if (p != NULL)
        take(&one, p, f);
    return pack(mem, &one.base, out, err);
}

static bool equal(const struct bytes *a, const struct bytes *b)
{
    return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

/* ---- identifiers ---- */

static enum ward_code has(struct ward_arena *mem, const Patient *p, const Identifier *id,
                          bool *out, struct ward_err *err)
{
    struct bytes a, b;

    *out = false;
    WARD_TRY(pack(mem, &id->base, &a, err));
    for (size_t i = 0; p != NULL && !*out && i < p->n_identifier; i++) {
        WARD_TRY(pack(mem, &p->identifier[i]->base, &b, err));
        *out = equal(&a, &b);
    }
    return WARD_OK;
}

/* Merges identifiers: removes the identifiers that the source removed, and appends those that
 * the source added. */
static enum ward_code merge_identifiers(struct ward_arena *mem, Patient *to,
                                        const Patient *base, const Patient *said,
                                        struct ward_err *err)
{
    Identifier **all =
        ward_alloc(mem, (to->n_identifier + said->n_identifier + 1) * sizeof(*all));
    size_t n = 0;
    bool was, is;

    if (all == NULL)
        return no_memory(err);
    for (size_t i = 0; i < to->n_identifier; i++) {
        WARD_TRY(has(mem, base, to->identifier[i], &was, err));
        WARD_TRY(has(mem, said, to->identifier[i], &is, err));
        if (!was || is)
            all[n++] = to->identifier[i];
    }
    for (size_t i = 0; i < said->n_identifier; i++) {
        WARD_TRY(has(mem, base, said->identifier[i], &was, err));
        WARD_TRY(has(mem, to, said->identifier[i], &is, err));
        if (!was && !is)
            all[n++] = said->identifier[i];
    }
    to->identifier = all;
    to->n_identifier = n;
    return WARD_OK;
}

/* ---- the merge ---- */

/* Adds a CONFLICT whose path has FHIR's form of f's name: Patient.birthDate for
 * "birth_date". */
static enum ward_code conflict(struct stage *s, struct staged *e, const Field *f,
                               struct ward_err *err)
{
    char *path = ward_printf(s->mem, "Patient.%s", f->name), *to;

    if (path == NULL)
        return no_memory(err);
    to = path;
    for (const char *from = path; *from != '\0'; from++)
        *to++ =
            from[0] == '_' && from[1] != '\0' ? (char)toupper((unsigned char)*++from) : *from;
    *to = '\0';
    return problem_add(
        s->mem, &e->in.problems, "CONFLICT", path,
        "the source and another author changed this element since the source's last message",
        NULL, err);
}

static enum ward_code merge_element(struct stage *s, struct staged *e, const Field *f,
                                    const Patient *base, Patient *into, struct ward_err *err)
{
    const Patient *said = e->in.res->patient;
    struct bytes was, now, here;

    if (strcmp(f->name, "identifier") == 0)
        return merge_identifiers(s->work, into, base, said, err);
    WARD_TRY(element(s->work, base, f, &was, err));
    WARD_TRY(element(s->work, said, f, &now, err));
    WARD_TRY(element(s->work, into, f, &here, err));
    if (equal(&was, &now) || equal(&now, &here))
        return WARD_OK;
    if (equal(&was, &here))
        take(into, said, f);
    else if (base != NULL)
        return conflict(s, e, f, err);
    return WARD_OK; /* a newly linked source only fills empty elements */
}

enum ward_code known_merge(struct stage *s, struct staged *e, const Resource *base,
                           const Resource *old, struct ward_err *err)
{
    const ProtobufCMessageDescriptor *d = &ward__records__v1__patient__descriptor;
    Patient *into = ward_new(s->work, Patient);
    Resource *res = ward_new(s->work, Resource);
    unsigned done = 0;
    bool same;

    if (into == NULL || res == NULL)
        return no_memory(err);
    *into = *old->patient;
    *res = *old;
    res->patient = into;
    for (unsigned i = 0; i < d->n_fields; i++) {
        const Field *f = &d->fields[i];

        if (strcmp(f->name, "id") == 0 || (is_oneof(f) && f->quantifier_offset == done))
            continue;
        done = is_oneof(f) ? f->quantifier_offset : done;
        WARD_TRY(merge_element(s, e, f, base == NULL ? NULL : base->patient, into, err));
    }
    WARD_TRY(entry_same(s->work, e->in.res, res, &same, err));
    e->merged = same ? NULL : res;
    return WARD_OK;
}
