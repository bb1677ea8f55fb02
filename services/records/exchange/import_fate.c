/* Determines the fate of each staged entry from the existing data, in the transaction. */
#include "services/records/exchange/csv_map.h"
#include "services/records/exchange/import.h"

#include "common/measure/fhirtime.h"

#include <stdio.h>
#include <string.h>

#define PART 96 /* maximum bytes of a path after the kind */

static enum ward_code wrong(struct stage *s, struct staged *e, const char *reason,
                            const char *part, const char *text, struct ward_err *err)
{
    const char *path = ward_printf(s->mem, "%s%s", resource_type(e->in.res), part);

    e->fate = FATE_WRONG;
    if (path == NULL)
        return WARD_FAIL_REASON(
            err, RESOURCE_EXHAUSTED, "ARENA_FULL",
            "the bundle exceeds the memory of a call; send smaller bundles");
    return problem_add(s->mem, &e->in.problems, reason, path, text, NULL, err);
}

/* Lets an entry wait for later entries; adds a problem if no entries follow. */
static enum ward_code waits(struct stage *s, struct staged *e, const char *reason,
                            const char *part, const char *text, struct ward_err *err)
{
    if (s->last || s->atomic)
        return wrong(s, e, reason, part, text, err);
    e->fate = FATE_WAITS;
    return WARD_OK;
}

/* Finds an entry of this batch that will be written or already exists unchanged. */
static const struct staged *beside(const struct stage *s, const uint8_t id[RECORDS_ID],
                                   enum kind kind)
{
    const struct staged *e = id_map_get(&s->ids, id);

    return e != NULL && e->kind == kind && e->fate <= FATE_SAME ? e : NULL;
}

/* In a dry run: whether an earlier batch would have created the resource. */
static bool would_be_there(const struct stage *s, const uint8_t id[RECORDS_ID])
{
    return s->dry_run && (s->n_would == IMPORT_WOULD || id_map_get(&s->would, id) != NULL);
}

static void patient_part(const struct staged *e, char out[PART])
{
    const char *field;

    (void)resource_subject(e->in.res, &field);
    snprintf(out, PART, ".%s.reference", field);
}

static enum ward_code look_at_patient(struct stage *s, struct staged *e, bool is_there,
                                      struct ward_err *err)
{
    const struct there *p = id_map_get(&s->there.patients, e->in.patient);
    char part[PART];

    patient_part(e, part);
    if (p != NULL && p->erased)
        return wrong(s, e, "PATIENT_ERASED", part, "the patient was erased", err);
    if (p != NULL && !is_there && memcmp(p->id, p->root, RECORDS_ID) != 0)
        return wrong(s, e, "PATIENT_MERGED", part, "the patient was merged into another", err);
    if (e->via != NULL && e->via->fate == FATE_WRONG)
        return wrong(s, e, "PATIENT_NOT_FOUND", part,
                     "the patient of the entry is in the quarantine", err);
    if (p == NULL && e->kind != KIND_PATIENT &&
        beside(s, e->in.patient, KIND_PATIENT) == NULL && !would_be_there(s, e->in.patient))
        return waits(s, e, "PATIENT_NOT_FOUND", part, "there is no such patient", err);
    return WARD_OK;
}

static enum ward_code look_at_encounter(struct stage *s, struct staged *e, struct ward_err *err)
{
    const struct there *p = id_map_get(&s->there.patients, e->in.patient), *there;
    const uint8_t *chart = p == NULL ? e->in.patient : p->root, *other;
    const struct staged *near;

    if (!e->has_encounter)
        return WARD_OK;
    there = id_map_get(&s->there.encounters, e->encounter);
    near = beside(s, e->encounter, KIND_ENCOUNTER);
    if (there == NULL && near == NULL && would_be_there(s, e->encounter))
        return WARD_OK;
    if (there == NULL && near == NULL)
        return waits(s, e, "RESOURCE_NOT_FOUND", ".encounter.reference",
                     "there is no such encounter", err);
    if (there != NULL) {
        other = there->root;
    } else {
        p = id_map_get(&s->there.patients, near->in.patient);
        other = p == NULL ? near->in.patient : p->root;
    }
    if (memcmp(other, chart, RECORDS_ID) != 0)
        return wrong(s, e, "REFERENCE_INVALID", ".encounter.reference",
                     "is an encounter of another patient", err);
    return WARD_OK;
}

static int64_t birth_of(const struct stage *s, const struct staged *e)
{
    const struct there *p = id_map_get(&s->there.patients, e->in.patient);
    const struct staged *near = beside(s, e->in.patient, KIND_PATIENT);
    const char *date = near == NULL ? NULL : near->in.res->patient->birth_date;
    struct ward_fhirtime t;

    if (date != NULL && *date != '\0' &&
        ward_fhirtime_parse(WARD_FHIR_DATE, date, strlen(date), 0, &t, NULL) == WARD_OK)
        return t.from_us;
    return p == NULL ? INT64_MIN : p->birth_us;
}

static enum ward_code look_at_values(struct stage *s, struct staged *e, struct ward_err *err)
{
    if (!e->looked)
        WARD_TRY(
            implausible(s->mem, e->in.res, birth_of(s, e), s->now_us, &e->in.problems, err));
    if (e->plausible)
        problems_drop(&e->in.problems, "IMPLAUSIBLE_VALUE");
    e->looked = true;
    e->fate = e->in.problems.n > 0 ? FATE_WRONG : e->fate;
    return WARD_OK;
}

/* Compares the entry with the old version, including the old version's links. The links are in
 * the transaction's memory. An entry may be evaluated again in another transaction, so the
 * links are not stored in the entry, except in a replay. */
static enum ward_code same_but_links(struct stage *s, struct staged *e, Resource *old,
                                     bool *same, struct ward_err *err)
{
    Ward__Records__V1__Patient with = *e->in.res->patient;
    Resource res = *e->in.res;

    res.patient = &with;
    WARD_TRY(import_keep_links(s->work, old, &res, err));
    WARD_TRY(entry_same(s->work, old, &res, same, err));
    if (s->alone)
        *e->in.res->patient = with;
    return WARD_OK;
}

/* Called if another author wrote the existing version. Content that the source has already sent
 * counts as unchanged. Other content requires a person's decision, and a consent the decision
 * of a person who may write consents. */
static enum ward_code compare_other(struct stage *s, struct staged *e, const struct version *v,
                                    Resource *old, struct ward_err *err)
{
    bool same = false;

    if (!s->alone)
        WARD_TRY(import_said_before(s, v, e->came != NULL ? e->came : e->in.res, &same, err));
    if (!same && e->kind == KIND_PATIENT)
        WARD_TRY(same_but_links(s, e, old, &same, err));
    e->over = s->alone && e->kind != KIND_CONSENT;
    if (same)
        e->fate = FATE_SAME;
    return same || e->over ? WARD_OK
                           : wrong(s, e, "CONFLICT", ".id",
                                   "another author wrote the current version", err);
}

/* Merges the source's changes to a Patient of a bundle with another author's changes. The
 * source's message is written even if it equals the existing version, because the source's next
 * message is compared with this message. */
static enum ward_code merge(struct stage *s, struct staged *e, const struct version *v,
                            Resource *old, struct ward_err *err)
{
    Resource *base;
    bool same = false;

    WARD_TRY(import_said_last(s, v, &base, err));
    if (base != NULL)
        WARD_TRY(entry_same(s->work, base, e->in.res, &same, err));
    else if (!e->linked)
        WARD_TRY(entry_same(s->work, old, e->in.res, &same, err));
    if (base == NULL && !e->linked && !same)
        return compare_other(s, e, v, old, err);
    if (same) {
        e->fate = FATE_SAME;
        return WARD_OK;
    }
    WARD_TRY(known_merge(s, e, base, old, err));
    e->fate = e->in.problems.n > 0 ? FATE_WRONG : FATE_CHANGED;
    return WARD_OK;
}

/* Checks a Patient that was matched by an alias, an identifier or a condition. *done: the fate
 * is known. */
static enum ward_code compare_known(struct stage *s, struct staged *e, const Resource *old,
                                    bool *done, struct ward_err *err)
{
    bool differs = false;

    *done = false;
    if (e->linked || e->condition != CONDITION_NONE)
        WARD_TRY(known_differs(s, e, old, &differs, err));
    if (differs)
        e->fate = FATE_WRONG;
    else if (e->condition == CONDITION_CREATE)
        e->fate = FATE_SAME; /* the patient exists: nothing is created */
    *done = e->fate != FATE_CHANGED;
    return WARD_OK;
}

/* Merges a line of a table into the existing patient. Elements that the line lacks are
 * unchanged. */
static enum ward_code fill(struct stage *s, struct staged *e, const struct version *v,
                           struct ward_err *err)
{
    Resource *whole;

    WARD_TRY(chart_open(s->w, s->work, v, &whole, err));
    WARD_TRY(csv_patient_merge(s->work, e->came->patient, whole->patient, err));
    e->in.res = whole;
    return WARD_OK;
}

static enum ward_code compare(struct stage *s, struct staged *e, const struct version *v,
                              struct ward_err *err)
{
    bool same = false, done, bundle = e->kind == KIND_PATIENT && e->came == NULL && !s->alone;
    Resource *old;

    if (v->kind != e->kind && !(v->kind == KIND_OTHER && kind_is_nobodys(e->kind)))
        return wrong(s, e, "ID_TAKEN", ".id", "a resource of another kind has this id", err);
    e->version = v->version;
    e->fate = FATE_CHANGED;
    if (v->wrapped.p == NULL)
        return WARD_OK;
    WARD_TRY(chart_open(s->w, s->work, v, &old, err));
    if (strcmp(resource_type(old), resource_type(e->in.res)) != 0)
        return wrong(s, e, "ID_TAKEN", ".id", "a resource of another kind has this id", err);
    if (e->came != NULL)
        WARD_TRY(fill(s, e, v, err));
    if (bundle) {
        WARD_TRY(compare_known(s, e, old, &done, err));
        if (done)
            return WARD_OK;
    }
    if (bundle && (e->linked || !import_is_ours(s, v)))
        return merge(s, e, v, old, err);
    WARD_TRY(entry_same(s->work, old, e->in.res, &same, err));
    if (same)
        e->fate = FATE_SAME;
    return same || import_is_ours(s, v) ? WARD_OK : compare_other(s, e, v, old, err);
}

static enum ward_code decide(struct stage *s, struct staged *e, struct ward_err *err)
{
    const struct version *v = e->has_id ? id_map_get(&s->there.resources, e->id) : NULL;
    const struct version *d = e->has_id ? id_map_get(&s->there.directory, e->id) : NULL;

    if ((e->in.nobodys ? v : d) != NULL)
        return wrong(s, e, "ID_TAKEN", ".id",
                     "of the stored and the imported resource with this id, only one belongs "
                     "to a patient",
                     err);
    if (e->in.nobodys)
        return d == NULL ? WARD_OK : compare(s, e, d, err);
    WARD_TRY(look_at_patient(s, e, v != NULL, err));
    if (e->fate == FATE_NEW)
        WARD_TRY(look_at_encounter(s, e, err));
    if (e->fate == FATE_NEW)
        WARD_TRY(look_at_values(s, e, err));
    return e->fate == FATE_NEW && v != NULL ? compare(s, e, v, err) : WARD_OK;
}

enum ward_code stage_remember(struct stage *s, struct ward_arena *mem, struct ward_err *err)
{
    if (s->would.cap == 0)
        WARD_TRY(id_map_init(&s->would, mem, IMPORT_WOULD, err));
    for (size_t i = 0; i < s->n && s->n_would < IMPORT_WOULD; i++) {
        const struct staged *e = s->at[i];
        uint8_t *id;

        if ((e->fate != FATE_NEW && !e->linked) ||
            (e->kind != KIND_PATIENT && e->kind != KIND_ENCOUNTER))
            continue;
        id = ward_alloc(mem, RECORDS_ID);
        if (id == NULL)
            return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                                    "the dry run exceeds the memory of a call");
        memcpy(id, e->came_id, RECORDS_ID);
        id_map_put(&s->would, id, s);
        s->n_would++;
    }
    return WARD_OK;
}

/* Order: patients, then encounters, then other resources, which refer to patients and
 * encounters. */
static int rank(const struct staged *e)
{
    return e->kind == KIND_PATIENT ? 0 : e->kind == KIND_ENCOUNTER ? 1 : 2;
}

enum ward_code stage_fates(struct stage *s, struct ward_err *err)
{
    WARD_TRY(import_known(s, err));
    WARD_TRY(import_look(s->w, s->work, s->at, s->n, &s->ids, &s->there, err));
    for (size_t i = 0; i < s->n; i++)
        s->at[i]->fate = s->at[i]->in.problems.n > 0 ? FATE_WRONG : FATE_NEW;
    for (int turn = 0; turn < 3; turn++) {
        for (size_t i = 0; i < s->n; i++)
            if (s->at[i]->fate == FATE_NEW && rank(s->at[i]) == turn)
                WARD_TRY(decide(s, s->at[i], err));
        if (turn == 0)
            WARD_TRY(import_twins(s, err));
    }
    return WARD_OK;
}
