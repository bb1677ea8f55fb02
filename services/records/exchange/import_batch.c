/* Writes the batches of an import, counts their entries, and sends the progress. */
#include "services/records/exchange/import_feed.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "services/records/feed/feed.h"

#include <string.h>

#define EVERY_NS    (200 * WARD_NS_PER_MS)
#define FIRST_SHOWN 20

/* ---- counts ---- */

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

/* ---- a batch that was written ---- */

static enum ward_code hold(struct import *im, const struct staged *e, struct ward_err *err)
{
    struct held *h = ward_new(&im->waiting, struct held);
    char *text = h == NULL ? NULL : ward_alloc(&im->waiting, e->n);

    if (text == NULL)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                                "too many entries precede their patient or encounter in the "
                                "stream: send patients and encounters first");
    memcpy(text, e->text, e->n);
    *h = (struct held){.text = text, .n = e->n, .number = e->number};
    *im->last_held = h;
    im->last_held = &h->next;
    im->n_held++;
    return WARD_OK;
}

static enum ward_code count(struct import *im, const struct staged *e, struct ward_err *err)
{
    ImportProgress *p = &im->count.p;

    switch (e->fate) {
    case FATE_NEW:
        p->created++;
        p->cleaned += (int32_t)e->in.cleaned.n;
        return import_kept(&im->count, e, err);
    case FATE_CHANGED:
        p->updated++;
        p->cleaned += (int32_t)e->in.cleaned.n;
        return import_kept(&im->count, e, err);
    case FATE_SAME:
        p->unchanged++;
        return import_kept(&im->count, e, err);
    case FATE_WAITS:
        return hold(im, e, err);
    default:
        p->quarantined++;
        return import_show(&im->count, im->stage.import_id, e, err);
    }
}

/* Reports all problems. The call then fails with the first problem. */
static void show_refused(struct import *im, const struct stage *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->at[i]->fate == FATE_WRONG &&
            import_show(&im->count, s->import_id, s->at[i], NULL) != WARD_OK)
            return;
    (void)!import_send(im->call, &im->count, true);
}

/* Counts the entries of a batch that was written. */
static enum ward_code written(struct import *im, struct stage *s, enum ward_code code,
                              struct ward_err *err)
{
    if (code == WARD_FAILED_PRECONDITION && s->atomic)
        show_refused(im, s);
    if (code != WARD_OK)
        return code;
    if (s->dry_run)
        WARD_TRY(stage_remember(s, im->call->mem, err));
    for (size_t i = 0; i < s->n; i++)
        WARD_TRY(count(im, s->at[i], err));
    if (s->ends_bundle)
        im->count.p.bundles++;
    if (!s->dry_run)
        sequencer_wake(s->w->rec->feed);
    return import_send(im->call, &im->count, false);
}

/* ---- writing a batch while the next is read ---- */

enum ward_code records_import_wait(struct import *im, struct ward_err *err)
{
    struct behind *b = &im->behind;

    if (!b->busy)
        return WARD_OK;
    pthread_join(b->thread, NULL);
    b->busy = false;
    if (b->code != WARD_OK && err != NULL)
        *err = b->err;
    return written(im, &b->stage, b->code, err);
}

static enum ward_code may_write(struct import *im, struct ward_err *err)
{
    if (ward_call_cancelled(im->call))
        return WARD_FAIL(err, CANCELLED, "the caller disconnected, or the deadline passed");
    return records_import_wait(im, err);
}

enum ward_code import_flush(struct import *im, struct ward_err *err)
{
    struct stage *s = &im->stage;

    WARD_TRY(may_write(im, err));
    if (s->n > 0)
        WARD_TRY(written(im, s, stage_write(s, err), err));
    return stage_clear(s, err);
}

static void *write_behind(void *arg)
{
    struct behind *b = arg;

    ward_log_trace(b->stage.call.trace_id);
    b->code = stage_write(&b->stage, &b->err);
    return NULL;
}

enum ward_code records_import_hand_over(struct import *im, struct ward_err *err)
{
    struct behind *b = &im->behind;

    WARD_TRY(may_write(im, err));
    if (im->stage.n == 0 || im->stage.dry_run)
        return import_flush(im, err);
    b->stage = im->stage;
    b->err = (struct ward_err){0};
    b->stage.call.err = &b->err;
    im->stage.mem = b->spare;
    b->spare = b->stage.mem;
    WARD_TRY(stage_clear(&im->stage, err));
    if (pthread_create(&b->thread, NULL, write_behind, b) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the system has no thread for the import");
    b->busy = true;
    return WARD_OK;
}
