/* Counts and sends the progress of an import. */
#include "services/records/exchange/import.h"

#include "common/base/clock.h"

#include <string.h>

#define EVERY_NS    (200 * WARD_NS_PER_MS)
#define FIRST_SHOWN 20

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                            "the report of the import exceeds the memory of a call");
}

static Unsupported *find(const struct tally *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->at[i]->name, name) == 0)
            return t->at[i];
    return NULL;
}

enum ward_code tally_add(struct tally *t, struct ward_arena *mem, const char *name,
                         struct ward_err *err)
{
    Unsupported *u = find(t, name);

    if (u == NULL && t->n >= TALLY_NAMES - 1)
        u = find(t, name = "...");
    if (u == NULL) {
        if (t->at == NULL)
            t->at = ward_alloc(mem, TALLY_NAMES * sizeof(Unsupported *));
        u = ward_new(mem, Unsupported);
        if (t->at == NULL || u == NULL)
            return no_memory(err);
        ward__records__v1__unsupported__init(u);
        u->name = ward_strdup(mem, name);
        if (u->name == NULL)
            return no_memory(err);
        t->at[t->n++] = u;
    }
    u->count += u->count < INT32_MAX ? 1 : 0;
    return WARD_OK;
}

enum ward_code import_kept(struct import_count *n, const struct staged *s, struct ward_err *err)
{
    return s->kind != KIND_OTHER
               ? WARD_OK
               : tally_add(&n->uninterpreted, n->mem, resource_type(s->in.res), err);
}

enum ward_code import_send(struct ward_call *c, struct import_count *n, bool now)
{
    int64_t at = ward_mono_ns();

    if (!now && at - n->sent_ns < EVERY_NS)
        return WARD_OK;
    n->sent_ns = at;
    n->p.unmodelled = n->unmodelled.at;
    n->p.n_unmodelled = n->unmodelled.n;
    n->p.uninterpreted = n->uninterpreted.at;
    n->p.n_uninterpreted = n->uninterpreted.n;
    return ward_send(c, &n->p.base);
}

static char *copy(struct ward_arena *mem, const char *s)
{
    return s == NULL || *s == '\0' ? (char *)(uintptr_t)protobuf_c_empty_string
                                   : ward_strdup(mem, s);
}

static enum ward_code copy_problems(struct ward_arena *mem, const struct problems *from,
                                    Ward__Records__V1__QuarantineItem *to, struct ward_err *err)
{
    struct problems p = {0};

    for (size_t i = 0; i < from->n; i++)
        WARD_TRY(problem_add(mem, &p, from->at[i]->reason, from->at[i]->path, from->at[i]->text,
                             from->at[i]->source, err));
    to->problems = p.at;
    to->n_problems = p.n;
    return WARD_OK;
}

enum ward_code import_show(struct import_count *n, const char *import_id,
                           const struct staged *s, struct ward_err *err)
{
    Ward__Records__V1__QuarantineItem *item;

    if (n->p.n_first_problems == FIRST_SHOWN)
        return WARD_OK;
    if (n->p.first_problems == NULL)
        n->p.first_problems = ward_alloc(n->mem, FIRST_SHOWN * sizeof(item));
    item = ward_new(n->mem, Ward__Records__V1__QuarantineItem);
    if (n->p.first_problems == NULL || item == NULL)
        return no_memory(err);
    ward__records__v1__quarantine_item__init(item);
    item->import_id = copy(n->mem, import_id);
    item->position = copy(n->mem, s->position);
    if (item->import_id == NULL || item->position == NULL)
        return no_memory(err);
    item->kind = (Ward__Records__V1__Kind)s->kind;
    WARD_TRY(copy_problems(n->mem, &s->in.problems, item, err));
    n->p.first_problems[n->p.n_first_problems++] = item;
    return WARD_OK;
}
