/* Normalizes units: UCUM codes for hospitals' notations. */
#include "services/records/exchange/clean.h"

#include "common/json/write.h"
#include "common/measure/ucum.h"
#include "services/records/exchange/clean_walk.h"
#include "services/records/exchange/quarantine.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Records__V1__Cleaned Cleaned;
typedef Ward__Records__V1__Quantity Quantity;

#define UCUM "http://unitsofmeasure.org"

struct cleaning {
    struct ward_arena *mem;
    struct cleanings *out;
};

/* Converts a text to JSON; "" stays empty. */
static enum ward_code as_json(struct ward_arena *mem, const char *s, char **out,
                              struct ward_err *err)
{
    struct ward_json_out w = {.mem = mem};
    const char *text;

    if (*s == '\0') {
        *out = (char *)(uintptr_t) "";
        return WARD_OK;
    }
    ward_json_text(&w, s);
    WARD_TRY(ward_json_done(&w, &text, NULL, err));
    *out = (char *)(uintptr_t)text;
    return WARD_OK;
}

/* Sets one text of a quantity and reports the change. */
static enum ward_code put(struct cleaning *c, const char *path, const char *name, char **at,
                          const char *value, const char *rule, struct ward_err *err)
{
    struct cleanings *out = c->out;
    Cleaned **list, *one = ward_new(c->mem, Cleaned);
    char *copy = ward_strdup(c->mem, value);

    list = ward_alloc(c->mem, (out->n + 1) * sizeof(Cleaned *));
    if (one == NULL || copy == NULL || list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the normalization");
    ward__records__v1__cleaned__init(one);
    one->path = ward_printf(c->mem, "%s.%s", path, name);
    if (one->path == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the normalization");
    WARD_TRY(as_json(c->mem, *at, &one->before, err));
    WARD_TRY(as_json(c->mem, copy, &one->after, err));
    one->rule = (char *)(uintptr_t)rule;
    if (out->n > 0)
        memcpy(list, out->at, out->n * sizeof(Cleaned *));
    list[out->n] = one;
    out->at = list;
    out->n++;
    *at = copy;
    return WARD_OK;
}

/* Returns the text that names a quantity's unit, and the rule that converts the text to UCUM.
 * NULL: nothing to convert. A quantity of another system than UCUM is unchanged.
 */
static const char *written(const Quantity *q, const char **rule)
{
    struct ward_ucum parsed;

    if (*q->system != '\0' && strcmp(q->system, UCUM) != 0)
        return NULL;
    if (*q->code == '\0') {
        *rule = "ucum-code-from-unit";
        return *q->unit == '\0' ? NULL : q->unit;
    }
    if (ward_ucum_parse(q->code, strlen(q->code), &parsed, NULL) != WARD_OK) {
        *rule = "ucum-synonym";
        return q->code;
    }
    *rule = "ucum-system";
    return *q->system == '\0' ? q->code : NULL;
}

static enum ward_code clean_quantity(struct cleaning *c, const char *path, Quantity *q,
                                     struct ward_err *err)
{
    char code[WARD_UCUM_SIZE];
    const char *rule = NULL, *from = written(q, &rule);
    struct ward_ucum parsed;

    if (from == NULL || strlen(from) > WARD_UCUM_MAX ||
        ward_ucum_normalise(from, strlen(from), code, NULL, NULL) != WARD_OK ||
        ward_ucum_parse(code, strlen(code), &parsed, NULL) != WARD_OK)
        return WARD_OK;
    if (strcmp(q->system, UCUM) != 0)
        WARD_TRY(put(c, path, "system", &q->system, UCUM, rule, err));
    if (strcmp(q->code, code) != 0)
        WARD_TRY(put(c, path, "code", &q->code, code, rule, err));
    return WARD_OK;
}

static enum ward_code visit(void *arg, const char *path, ProtobufCMessage *m, bool *into,
                            struct ward_err *err)
{
    if (m->descriptor == &ward__records__v1__extension__descriptor)
        *into = false; /* the extension's authors define its units */
    else if (m->descriptor == &ward__records__v1__quantity__descriptor)
        return clean_quantity(arg, path, (Quantity *)(void *)m, err);
    return WARD_OK;
}

enum ward_code clean_resource(struct ward_arena *mem, Resource *res, struct cleanings *out,
                              struct ward_err *err)
{
    struct cleaning c = {.mem = mem, .out = out};

    *out = (struct cleanings){0};
    return walk_messages(res, visit, &c, err);
}

/* ---- ambiguous units ---- */

struct doubting {
    struct ward_arena *mem;
    struct problems *out;
};

static bool is_told(const struct problems *p, const char *path)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->at[i]->reason, "UNIT_UNKNOWN") == 0 &&
            strncmp(p->at[i]->path, path, strlen(path)) == 0)
            return true;
    return false;
}

/* Reports a unit that is ambiguous unless system and code are given. */
static enum ward_code doubt(void *arg, const char *path, ProtobufCMessage *m, bool *into,
                            struct ward_err *err)
{
    const Quantity *q = (const Quantity *)(const void *)m;
    const struct doubting *d = arg;
    char at[WALK_PATH + 8];

    if (m->descriptor == &ward__records__v1__extension__descriptor)
        *into = false;
    if (m->descriptor != &ward__records__v1__quantity__descriptor || *q->code != '\0' ||
        *q->unit == '\0' || (*q->system != '\0' && strcmp(q->system, UCUM) != 0) ||
        is_told(d->out, path) || !ward_ucum_doubtful(q->unit, strlen(q->unit)))
        return WARD_OK;
    snprintf(at, sizeof(at), "%s.unit", path);
    return problem_add(d->mem, d->out, "UNIT_UNKNOWN", at,
                       "is ambiguous in hospitals: set system and code", NULL, err);
}

enum ward_code doubtful_units(struct ward_arena *mem, const Resource *res, struct problems *out,
                              struct ward_err *err)
{
    struct doubting d = {.mem = mem, .out = out};

    return walk_messages((Resource *)(uintptr_t)res, doubt, &d, err);
}
