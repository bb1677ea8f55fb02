/* Reads a request's parameters: their names, counts, modifiers and values. */
#include "services/records/search/search_own.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Records__V1__SearchRequest SearchRequest;
typedef Ward__Records__V1__Parameter Parameter;

enum ward_code search_no_memory(const struct search_reader *r)
{
    return WARD_FAIL(r->err, RESOURCE_EXHAUSTED, "no memory for the query");
}

/* Sets the error's field to a parameter's name, but not to an unknown name, which may be a
 * value in the wrong place. */
static void name_field(const struct search_reader *r, const char *name)
{
    static const char CHARS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-";

    if (r->err != NULL)
        snprintf(r->err->field, sizeof(r->err->field), "%.32s",
                 *name != '\0' && name[strspn(name, CHARS)] == '\0' ? name : "parameters.name");
}

enum ward_code search_bad(const struct search_reader *r, const struct filter *f,
                          const char *why)
{
    WARD_FAIL_REASON(r->err, INVALID_ARGUMENT, "PARAMETER_INVALID", "%s: %s", f->param->name,
                     why);
    name_field(r, f->param->name);
    return WARD_INVALID_ARGUMENT;
}

static enum ward_code unknown(const struct search_reader *r, const char *name)
{
    WARD_FAIL_REASON(r->err, INVALID_ARGUMENT, "PARAMETER_UNKNOWN",
                     "this kind of resource has no search parameter of this name");
    name_field(r, name);
    return WARD_INVALID_ARGUMENT;
}

const char *search_prefix(const char *text, enum prefix *out)
{
    static const char *const names[] = {"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"};

    *out = PRE_EQ;
    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        if (strncmp(text, names[i], 2) == 0) {
            *out = (enum prefix)i;
            return text + 2;
        }
    }
    return text;
}

char *search_piece(struct ward_arena *mem, const char *text, const char **rest)
{
    char *out = ward_alloc(mem, strlen(text) + 1), *to = out;

    *rest = NULL;
    if (out == NULL)
        return NULL;
    for (; *text != '\0'; text++) {
        if (*text == '|') {
            *rest = text + 1;
            break;
        }
        if (*text == '\\' && text[1] != '\0' && strchr("\\|,$", text[1]) != NULL)
            text++;
        *to++ = *text;
    }
    return out;
}

/* ---- modifiers ---- */

static bool may_be_missing(const struct filter *f)
{
    switch (f->param->ask) {
    case ASK_ID:
    case ASK_UPDATED:
    case ASK_PATIENT:
    case ASK_STATUS:
        return false;
    case ASK_REFERENCE: /* a token of a reference does not contain the element */
        return strcmp(f->param->name, "encounter") == 0;
    default:
        return true;
    }
}

static enum ward_code missing(const struct search_reader *r, const Parameter *p,
                              struct filter *f)
{
    if (!may_be_missing(f))
        return search_bad(r, f, "does not support :missing");
    if (p->n_values != 1)
        return search_bad(r, f, ":missing needs exactly one value");
    if (strcmp(p->values[0], "true") == 0)
        f->modifier = MOD_MISSING;
    else if (strcmp(p->values[0], "false") == 0)
        f->modifier = MOD_PRESENT;
    else
        return search_bad(r, f, ":missing must be true or false");
    return WARD_OK;
}

/* Whether `word` is one of the words of `list`. */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = strstr(list, word); at != NULL; at = strstr(at + 1, word))
        if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return true;
    return false;
}

static enum ward_code modify(const struct search_reader *r, const Parameter *p,
                             struct filter *f, const char **target)
{
    enum ask ask = f->param->ask;

    *target = NULL;
    if (*p->modifier == '\0')
        return WARD_OK;
    if (strcmp(p->modifier, "missing") == 0)
        return missing(r, p, f);
    if (strcmp(p->modifier, "not") == 0 && (ask == ASK_CODE || ask == ASK_STATUS)) {
        f->modifier = MOD_NOT;
        return WARD_OK;
    }
    if (strcmp(p->modifier, "exact") == 0 && ask == ASK_NAME) {
        f->modifier = MOD_EXACT;
        return WARD_OK;
    }
    if (strcmp(p->modifier, "contains") == 0)
        return search_bad(r, f,
                          "does not support :contains, because Ward stores only keyed hashes "
                          "of the beginnings of words");
    if ((ask == ASK_REFERENCE || ask == ASK_WARD) && has_word(f->param->targets, p->modifier)) {
        *target = p->modifier;
        return WARD_OK;
    }
    return search_bad(r, f, "does not support this modifier");
}

/* ---- values ---- */

static enum ward_code value_id(const struct search_reader *r, const struct filter *f,
                               const char *text, struct value *out)
{
    if (!ward_uuid_parse(text, out->id))
        return search_bad(r, f, "is not a UUID");
    return WARD_OK;
}

static enum ward_code value_patient(const struct search_reader *r, const struct filter *f,
                                    const char *text, struct value *out)
{
    enum kind kind;

    if (ward_uuid_parse(text, out->id))
        return WARD_OK;
    if (!reference_parse(text, &kind, out->id) || (kind != KIND_PATIENT && kind != KIND_NONE))
        return search_bad(r, f, "is not a patient's id or \"Patient/<id>\"");
    return WARD_OK;
}

/* Reads "final", "|final" or "<any system>|final". */
static enum ward_code value_status(const struct search_reader *r, const struct search *s,
                                   const struct filter *f, const char *text, struct value *out)
{
    const char *rest;
    char *code = search_piece(r->mem, text, &rest);

    if (code != NULL && rest != NULL)
        code = search_piece(r->mem, rest, &rest);
    if (code == NULL)
        return search_no_memory(r);
    out->status = search_status_of(s->kind, code);
    if (out->status == 0)
        return search_bad(r, f, "is not a status of this kind");
    return WARD_OK;
}

static enum ward_code one(const struct search_reader *r, const struct search *s,
                          const struct filter *f, const char *text, const char *target,
                          struct value *out)
{
    switch (f->param->ask) {
    case ASK_ID:
        return value_id(r, f, text, out);
    case ASK_PATIENT:
        return value_patient(r, f, text, out);
    case ASK_STATUS:
        return value_status(r, s, f, text, out);
    case ASK_CODE:
        return value_code(r, f, text, out);
    case ASK_REFERENCE:
        return value_reference(r, f, text, target, out);
    case ASK_WARD:
        return value_ward(r, f, text, target, out);
    case ASK_IDENTIFIER:
        return value_identifier(r, f, text, out);
    case ASK_NAME:
        return value_name(r, f, text, out);
    case ASK_TELECOM:
        return value_telecom(r, f, text, out);
    case ASK_POSTAL:
        return value_postal(r, f, text, out);
    case ASK_QUANTITY:
        return value_quantity(r, f, text, out);
    default:
        return value_date(r, s, f, text, out);
    }
}

static enum ward_code values(const struct search_reader *r, const struct search *s,
                             const Parameter *p, const char *target, struct filter *f)
{
    if (p->n_values < 1 || p->n_values > SEARCH_VALUES)
        return search_bad(r, f, "needs 1 to 20 values");
    for (size_t i = 0; i < p->n_values; i++)
        if (*p->values[i] == '\0' || strlen(p->values[i]) > SEARCH_VALUE_MAX)
            return search_bad(r, f, "has a value that is empty or above 256 bytes");
    if (f->modifier == MOD_MISSING || f->modifier == MOD_PRESENT)
        return WARD_OK;
    f->value = ward_alloc(r->mem, p->n_values * sizeof(*f->value));
    if (f->value == NULL)
        return search_no_memory(r);
    for (f->n = 0; f->n < p->n_values; f->n++)
        WARD_TRY(one(r, s, f, p->values[f->n], target, &f->value[f->n]));
    return WARD_OK;
}

enum ward_code search_read(const struct search_reader *r, const SearchRequest *q,
                           struct search *s)
{
    if (q->n_parameters > SEARCH_PARAMETERS)
        return WARD_FAIL_FIELD(r->err, "parameters", "must be at most %d", SEARCH_PARAMETERS);
    for (s->n = 0; s->n < q->n_parameters; s->n++) {
        const Parameter *p = q->parameters[s->n];
        struct filter *f = &s->filter[s->n];
        const char *target;

        *f = (struct filter){.param = search_param_of(s->kind, p->name)};
        if (f->param == NULL)
            return unknown(r, p->name);
        WARD_TRY(modify(r, p, f, &target));
        WARD_TRY(values(r, s, p, target, f));
    }
    return WARD_OK;
}
