/* Collects entries, and writes them in one transaction with their events. */
#include "services/records/exchange/import.h"

#include "common/base/clock.h"
#include "common/json/write.h"
#include "services/records/store/directory.h"

#include <stdio.h>
#include <string.h>

#define TRIES 5

/* version.device of a version that an import merged from a source's version and another
 * author's. */
#define MERGED_MARK "merged by an import"

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                            "the bundle needs too much memory: send smaller bundles");
}

/* ---- the stage ---- */

enum ward_code stage_init(struct stage *s, struct ward_err *err)
{
    s->mem = &s->own_mem;
    s->work = &s->own_work;
    ward_arena_init(s->mem, IMPORT_STAGED);
    ward_arena_init(s->work, IMPORT_WORK);
    s->call.mem = s->work;
    return stage_clear(s, err);
}

void stage_done(struct stage *s)
{
    ward_arena_done(&s->own_mem);
    ward_arena_done(&s->own_work);
}

enum ward_code stage_clear(struct stage *s, struct ward_err *err)
{
    size_t most = IMPORT_ATOMIC;

    ward_arena_reset(s->mem);
    s->n = 0;
    s->indexed = 0;
    s->cap = most;
    s->one_by_one = false;
    s->ends_bundle = false;
    s->blame = NULL;
    s->at = ward_alloc(s->mem, most * sizeof(struct staged *));
    return s->at == NULL ? no_memory(err) : id_map_init(&s->ids, s->mem, most, err);
}

enum ward_code stage_add(struct stage *s, struct staged **out, struct ward_err *err)
{
    struct staged *e = ward_new(s->mem, struct staged);

    if (e == NULL)
        return no_memory(err);
    if (s->n == s->cap)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "BUNDLE_INVALID",
                                "an atomic bundle has more than %d resources", IMPORT_ATOMIC);
    s->at[s->n++] = e;
    *out = e;
    return WARD_OK;
}

bool stage_index(struct stage *s, struct staged *e)
{
    if (!e->has_id)
        return true;
    if (id_map_get(&s->ids, e->came_id) != NULL)
        return false;
    id_map_put(&s->ids, e->came_id, e); /* came_id, because import_known may replace `id` */
    return true;
}

/* ---- events: one for each patient ---- */

static bool is_written(const struct staged *e)
{
    return e->fate == FATE_NEW || e->fate == FATE_CHANGED;
}

struct event {
    struct ward_event event;
    const uint8_t *patient; /* NULL: the event is about resources without a patient */
    int64_t created, updated;
};

static enum ward_code begin_events(struct stage *s, struct event **list, size_t *n,
                                   struct ward_err *err)
{
    struct id_map by_patient;
    struct event *nobodys = NULL;

    *n = 0;
    *list = ward_alloc(s->work, s->n * sizeof(**list));
    if (*list == NULL)
        return no_memory(err);
    WARD_TRY(id_map_init(&by_patient, s->work, s->n, err));
    for (size_t i = 0; i < s->n; i++) {
        struct staged *e = s->at[i];
        struct event *v;

        if (!is_written(e))
            continue;
        v = e->in.nobodys ? nobodys : id_map_get(&by_patient, e->in.patient);
        if (v == NULL) {
            v = &(*list)[(*n)++];
            v->patient = e->in.nobodys ? NULL : e->in.patient;
            ward_event_another(s->event, NULL, &v->event);
            v->event.call = &s->call;
            if (e->in.nobodys)
                nobodys = v;
            else
                id_map_put(&by_patient, v->patient, v);
        }
        v->created += e->fate == FATE_NEW;
        v->updated += e->fate == FATE_CHANGED;
        e->event = &v->event;
    }
    return WARD_OK;
}

static enum ward_code tell_events(struct stage *s, struct event *list, size_t n,
                                  struct ward_err *err)
{
    for (size_t i = 0; i < n; i++) {
        ward_event_note_int(&list[i].event, "created", list[i].created);
        ward_event_note_int(&list[i].event, "updated", list[i].updated);
        WARD_TRY(list[i].patient == NULL
                     ? ward_event_write(&list[i].event, s->w->event_ctx.db, err)
                     : tell(s->w, &list[i].event, NULL, list[i].patient, err));
    }
    return WARD_OK;
}

/* ---- resources ---- */

static struct write write_of(const struct stage *s, const struct staged *e)
{
    return (struct write){.res = e->in.res,
                          .act = e->fate == FATE_NEW ? WARD__RECORDS__V1__ACT__ACT_CREATED
                                                     : WARD__RECORDS__V1__ACT__ACT_UPDATED,
                          .expected_version = e->fate == FATE_NEW ? 0 : e->version,
                          .event_id = e->event->event_id,
                          .provenance = &s->from,
                          .at_us = s->now_us,
                          .cleaned =
                              (const Ward__Records__V1__Cleaned *const *)e->in.cleaned.at,
                          .n_cleaned = e->in.cleaned.n,
                          .by_import = true,
                          .index = e->indexed == e->in.res ? &e->index : NULL};
}

/* Order of writing: patients, then encounters, then other resources. */
static int rank(const struct staged *e)
{
    return e->kind == KIND_PATIENT ? 0 : e->kind == KIND_ENCOUNTER ? 1 : 2;
}

/* Writes the new resources of patients, or those without a patient. */
static enum ward_code write_new(struct stage *s, bool nobodys, struct ward_err *err)
{
    enum ward_code (*write)(struct worker *, struct ward_call *, const struct write *, size_t,
                            struct ward_err *) =
        nobodys ? records_directory_write_new : chart_write_new;
    struct write *list = ward_alloc(s->work, s->n * sizeof(*list));
    size_t n = 0;

    if (list == NULL)
        return no_memory(err);
    for (int turn = 0; turn < 3; turn++)
        for (size_t i = 0; i < s->n; i++) {
            struct staged *e = s->at[i];

            if (e->fate != FATE_NEW || e->in.nobodys != nobodys || rank(e) != turn)
                continue;
            list[n] = write_of(s, e);
            if (s->one_by_one) {
                s->blame = e;
                WARD_TRY(write(s->w, &s->call, &list[n], 1, err));
            }
            n++;
        }
    s->blame = NULL;
    return s->one_by_one || n == 0 ? WARD_OK : write(s->w, &s->call, list, n, err);
}

/* Writes the merged result as the next version after the source's message. */
static enum ward_code write_merged(struct stage *s, const struct staged *e,
                                   const struct write *said, int version, struct ward_err *err)
{
    Ward__Records__V1__Provenance mark;
    struct write what = *said;
    struct version made;

    ward__records__v1__provenance__init(&mark);
    mark.device = (char *)(uintptr_t)MERGED_MARK;
    what.res = e->merged;
    what.index = NULL;
    what.expected_version = version;
    what.provenance = &mark;
    what.cleaned = NULL;
    what.n_cleaned = 0;
    return chart_write(s->w, &s->call, NULL, &what, &made, err);
}

static enum ward_code write_next(struct stage *s, const struct staged *e, struct ward_err *err)
{
    struct write what = write_of(s, e);
    struct version made;

    if (e->in.nobodys)
        return directory_write(s->w, &s->call, &what, NULL, err);
    WARD_TRY(chart_write(s->w, &s->call, NULL, &what, &made, err));
    return e->merged == NULL ? WARD_OK : write_merged(s, e, &what, made.version, err);
}

static enum ward_code write_changed(struct stage *s, struct ward_err *err)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->at[i]->fate != FATE_CHANGED)
            continue;
        s->blame = s->at[i];
        WARD_TRY(write_next(s, s->at[i], err));
    }
    s->blame = NULL;
    return WARD_OK;
}

/* ---- entries that cannot be written ---- */

/* Extracts the resource's original JSON from the entry's JSON. */
static enum ward_code json_of(struct stage *s, const struct staged *e, const char **out,
                              size_t *n, struct ward_err *err)
{
    const struct ward_json *v = NULL;
    struct ward_json_out w = {.mem = s->work};

    *out = "";
    *n = 0;
    if (e->n == 0)
        return WARD_OK;
    WARD_TRY(ward_json_parse(e->text, e->n, NULL, s->work, &v, err));
    v = ward_json_get(v, "resource");
    if (v == NULL)
        return WARD_OK;
    ward_json_value(&w, v);
    return ward_json_done(&w, out, n, err);
}

static enum ward_code put_aside(struct stage *s, const struct staged *e, struct ward_err *err)
{
    struct quarantined q = {.import_id = s->import_id,
                            .position = e->position,
                            .kind = e->kind,
                            .patient = e->in.has_patient ? e->in.patient : NULL,
                            .named = (const uint8_t(*)[RECORDS_ID])e->in.named,
                            .n_named = e->in.n_named,
                            .full_url = e->full_url,
                            .problems = e->in.problems,
                            .at_us = s->now_us};

    WARD_TRY(json_of(s, e, &q.json, &q.n, err));
    return quarantine_put(s->w, s->work, &q, NULL, err);
}

/* Rejects a bundle with problems, and reports the first problem's FHIR path in the bundle:
 * entry[16].Observation.status. A resource of an uninterpreted kind is quarantined and does not
 * reject the bundle, because Ward cannot say how to correct the resource. */
static enum ward_code refused(const struct stage *s, struct ward_err *err)
{
    const struct staged *first = NULL;
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++)
        if (s->at[i]->fate == FATE_WRONG && s->at[i]->kind != KIND_OTHER && n++ == 0)
            first = s->at[i];
    if (first == NULL)
        return WARD_OK;
    (void)WARD_FAIL_REASON(err, FAILED_PRECONDITION, "IMPORT_REFUSED",
                           "%zu of %zu entries have problems, the first (%s): %s", n, s->n,
                           first->position, first->in.problems.at[0]->reason);
    if (err != NULL)
        snprintf(err->field, sizeof(err->field), "entry[%d].%s", first->number - 1,
                 first->in.problems.at[0]->path);
    return WARD_FAILED_PRECONDITION;
}

/* ---- the transaction ---- */

static enum ward_code write_all(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct stage *s = arg;
    struct event *events;
    size_t n;

    (void)db;
    s->blame = NULL;
    for (size_t i = 0; i < s->n; i++) {
        if (s->at[i]->came != NULL)
            s->at[i]->in.res = s->at[i]->came;
        if (s->at[i]->in.res != NULL) /* an earlier run may have replaced the resource's id */
            resource_set_id(s->at[i]->in.res, s->at[i]->name);
    }
    ward_arena_reset(s->work);
    s->now_us = ward_wall_us();
    WARD_TRY(stage_fates(s, err));
    if (s->atomic)
        WARD_TRY(refused(s, err));
    if (s->dry_run)
        return WARD_OK;
    WARD_TRY(begin_events(s, &events, &n, err));
    WARD_TRY(write_new(s, true, err));
    WARD_TRY(write_new(s, false, err));
    WARD_TRY(write_changed(s, err));
    WARD_TRY(import_known_end(s, err));
    for (size_t i = 0; i < s->n; i++)
        if (s->at[i]->fate == FATE_WRONG)
            WARD_TRY(put_aside(s, s->at[i], err));
    return tell_events(s, events, n, err);
}

/* Whether an error concerns the data of an entry, and would not occur for other entries. */
static bool is_of_the_data(enum ward_code code)
{
    return code == WARD_INVALID_ARGUMENT || code == WARD_FAILED_PRECONDITION ||
           code == WARD_NOT_FOUND || code == WARD_ALREADY_EXISTS;
}

static bool is_refusal(const struct ward_err *err)
{
    return strcmp(err->reason, "IMPORT_REFUSED") == 0;
}

enum ward_code stage_write(struct stage *s, struct ward_err *err)
{
    enum ward_code code;
    struct ward_err why = {0};
    int conflicts = 0;

    if (s->n == 0)
        return WARD_OK;
    for (;;) {
        code = chart_tx(s->w, write_all, s, &why);
        if (code == WARD_OK)
            return WARD_OK;
        /* a concurrent writer changed or created one of the resources: the transaction is
         * repeated */
        if ((code == WARD_ABORTED || code == WARD_ALREADY_EXISTS) && ++conflicts <= TRIES)
            continue;
        if (!is_of_the_data(code) || is_refusal(&why) || (s->one_by_one && s->blame == NULL))
            break;
        if (s->blame != NULL)
            WARD_TRY(problem_of(s->mem, &why, &s->blame->in.problems, err));
        else
            s->one_by_one = true;
    }
    if (err != NULL)
        *err = why;
    return code;
}
