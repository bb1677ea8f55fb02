/* Functions for lists of problems. */
#include "services/records/exchange/quarantine.h"

#include <string.h>

typedef Ward__Records__V1__Problem Problem;

static char *copy(struct ward_arena *mem, const char *s)
{
    return *s == '\0' ? (char *)(uintptr_t) "" : ward_strdup(mem, s);
}

enum ward_code problem_add(struct ward_arena *mem, struct problems *out, const char *reason,
                           const char *path, const char *text, const char *source,
                           struct ward_err *err)
{
    Problem **list = ward_alloc(mem, (out->n + 1) * sizeof(Problem *));
    Problem *p = ward_new(mem, Problem);

    if (list == NULL || p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the problems");
    ward__records__v1__problem__init(p);
    p->reason = copy(mem, reason);
    p->path = copy(mem, path);
    p->text = copy(mem, text);
    p->source = copy(mem, source == NULL ? "" : source);
    if (p->reason == NULL || p->path == NULL || p->text == NULL || p->source == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the problems");
    if (out->n > 0)
        memcpy(list, out->at, out->n * sizeof(Problem *));
    list[out->n] = p;
    out->at = list;
    out->n++;
    return WARD_OK;
}

enum ward_code problem_of(struct ward_arena *mem, const struct ward_err *why,
                          struct problems *out, struct ward_err *err)
{
    const char *reason = *why->reason != '\0' ? why->reason : ward_code_name(why->code);

    return problem_add(mem, out, reason, why->field, why->msg, NULL, err);
}

void problems_drop(struct problems *p, const char *reason)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->at[i]->reason, reason) != 0)
            p->at[kept++] = p->at[i];
    p->n = kept;
}
