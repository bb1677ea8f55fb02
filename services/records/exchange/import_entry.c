/* Converts an entry: parses the entry, converts ids and references, normalizes and validates
 * the resource. Also writes a single entry. */
#include "services/records/exchange/import.h"
#include "services/records/exchange/import_ids.h"

#include "common/base/clock.h"
#include "services/records/fhir/fhir.h"
#include "services/records/store/directory.h"

#include <string.h>

/* Adds an error that the sender can correct as a problem of the entry; any other error ends the
 * import. */
static enum ward_code as_problem(struct ward_arena *mem, struct staged *s, enum ward_code code,
                                 const struct ward_err *why, struct ward_err *err)
{
    if (code == WARD_INVALID_ARGUMENT || code == WARD_FAILED_PRECONDITION)
        return problem_of(mem, why, &s->in.problems, err);
    if (err != NULL)
        *err = *why;
    return code;
}

/* Removes version_id and last_updated, which the service sets. */
static void drop_own(Resource *res)
{
    Ward__Records__V1__Meta **meta = resource_meta(res);
    char *none = (char *)(uintptr_t)protobuf_c_empty_string;

    if (meta == NULL || *meta == NULL)
        return;
    (*meta)->version_id = none;
    (*meta)->last_updated = none;
    if (ward__records__v1__meta__get_packed_size(*meta) == 0)
        *meta = NULL;
}

/* Reads the entry's encounter: the field "encounter", or "context" of a MedicationStatement. */
static void find_encounter(struct staged *s)
{
    const Resource *res = s->in.res;
    const Ward__Records__V1__Reference *r =
        s->kind == KIND_OBSERVATION    ? res->observation->encounter
        : s->kind == KIND_CONDITION    ? res->condition->encounter
        : s->kind == KIND_ALLERGY      ? res->allergy_intolerance->encounter
        : s->kind == KIND_REPORT       ? res->diagnostic_report->encounter
        : s->kind == KIND_MEDICATION   ? res->medication_statement->context
        : s->kind == KIND_PRESCRIPTION ? res->medication_request->encounter
        : s->kind == KIND_PROCEDURE    ? res->procedure->encounter
        : s->kind == KIND_IMMUNIZATION ? res->immunization->encounter
        : s->kind == KIND_SERVICE      ? res->service_request->encounter
                                       : NULL;
    enum kind kind;

    s->has_encounter = r != NULL && r->reference != NULL &&
                       reference_parse(r->reference, &kind, s->encounter) &&
                       (kind == KIND_ENCOUNTER || kind == KIND_NONE);
}

static void find_patient(struct staged *s, const Resource *res)
{
    s->in.has_patient = resource_kind(res) != KIND_NONE &&
                        resource_patient(res, s->in.patient, NULL) == WARD_OK;
}

/* Finds the patient of an entry that cannot be converted to a resource, so that erasing the
 * patient also destroys the entry's quarantined content. */
static enum ward_code find_patient_unread(const struct id_source *from, struct ward_arena *mem,
                                          const struct ward_json *v, struct staged *s,
                                          struct ward_err *err)
{
    const struct ward_json *whom = fhir_other_whom(v);
    const char *id = ward_json_string(ward_json_get(v, "id")), *reference;
    Ward__Records__V1__Patient patient = WARD__RECORDS__V1__PATIENT__INIT;
    Ward__Records__V1__Observation other = WARD__RECORDS__V1__OBSERVATION__INIT;
    Ward__Records__V1__Reference to = WARD__RECORDS__V1__REFERENCE__INIT;
    Resource res = WARD__RECORDS__V1__RESOURCE__INIT;

    reference = ward_json_string(ward_json_get(whom, "reference"));
    if (s->kind == KIND_PATIENT) {
        res.resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_PATIENT;
        res.patient = &patient;
        patient.id = id == NULL ? patient.id : (char *)(uintptr_t)id;
    } else {
        res.resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_OBSERVATION;
        res.observation = &other;
        other.subject = &to;
        to.reference = reference == NULL ? to.reference : (char *)(uintptr_t)reference;
    }
    WARD_TRY(import_ids(from, mem, &res, err));
    find_patient(s, &res);
    return WARD_OK;
}

static enum ward_code check(struct ward_arena *mem, struct staged *s, struct ward_err *err)
{
    struct ward_err why = {0};
    enum ward_code code = fhir_check(mem, s->in.res, &why);

    s->in.nobodys = code == WARD_OK && resource_is_nobodys(s->in.res);
    if (code == WARD_OK && !s->in.nobodys)
        code = resource_patient(s->in.res, s->in.patient, &why);
    find_patient(s, s->in.res);
    return code == WARD_OK ? WARD_OK : as_problem(mem, s, code, &why, err);
}

static enum kind kind_in(const struct ward_json *v)
{
    const char *type = ward_json_string(ward_json_get(v, "resourceType"));
    enum kind kind = type == NULL ? KIND_NONE : kind_of_name(type);

    return kind == KIND_NONE && type != NULL && fhir_is_type(type) ? KIND_OTHER : kind;
}

static enum ward_code read_all(struct worker *w, struct ward_arena *mem, const struct entry *e,
                               fhir_unmodelled_fn *unmodelled, void *arg, struct staged *s,
                               struct ward_err *err)
{
    const struct id_source from = {.keys = w->rec->keys,
                                   .source = e->source,
                                   .full_url = e->full_url,
                                   .place = e->place == NULL ? "" : e->place};
    struct ward_err why = {0};
    Resource *res = NULL;
    enum ward_code code = fhir_of_json(mem, e->json, unmodelled, arg, &res, &why);

    s->kind = code == WARD_OK ? resource_kind(res) : kind_in(e->json);
    if (code != WARD_OK) {
        WARD_TRY(find_patient_unread(&from, mem, e->json, s, err));
        return as_problem(mem, s, code, &why, err);
    }
    if (resource_kind(res) == KIND_OTHER)
        WARD_TRY(import_whom(w, mem, e, res->other, err));
    drop_own(res);
    WARD_TRY(import_ids(&from, mem, res, err));
    s->in.res = res;
    s->has_id = ward_uuid_parse(resource_id(res), s->id);
    s->name = ward_strdup(mem, resource_id(res));
    if (s->name == NULL)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL", "no memory for an id");
    WARD_TRY(clean_resource(mem, res, &s->in.cleaned, err));
    WARD_TRY(known_read(w, mem, s, err));
    WARD_TRY(check(mem, s, err));
    find_encounter(s);
    return WARD_OK;
}

enum ward_code entry_read(struct worker *w, struct ward_arena *mem, const struct entry *e,
                          fhir_unmodelled_fn *unmodelled, void *arg, struct staged *s,
                          struct ward_err *err)
{
    WARD_TRY(read_all(w, mem, e, unmodelled, arg, s, err));
    if ((s->kind == KIND_OTHER || kind_is_nobodys(s->kind)) && s->in.problems.n > 0 &&
        !s->in.has_patient)
        WARD_TRY(import_named(w, mem, e, &s->in, err));
    s->is_read = true;
    memcpy(s->came_id, s->id, RECORDS_ID);
    memcpy(s->whom, s->in.patient, RECORDS_ID);
    return WARD_OK;
}

enum ward_code entry_same(struct ward_arena *mem, Resource *a, Resource *b, bool *same,
                          struct ward_err *err)
{
    size_t n;
    uint8_t *p, *q;

    drop_own(a);
    drop_own(b);
    n = ward__records__v1__resource__get_packed_size(a);
    *same = n == ward__records__v1__resource__get_packed_size(b);
    if (!*same)
        return WARD_OK;
    p = ward_alloc(mem, n);
    q = ward_alloc(mem, n);
    if (p == NULL || q == NULL)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                                "the resource is too large");
    ward__records__v1__resource__pack(a, p);
    ward__records__v1__resource__pack(b, q);
    *same = memcmp(p, q, n) == 0;
    return WARD_OK;
}

/* ---- a single entry: a line of CSV, a replay ---- */

static enum ward_code look_alone(struct worker *w, struct ward_call *c, const char *source,
                                 struct staged *s, struct ward_err *err)
{
    struct stage one = {.w = w,
                        .call = *c,
                        .last = true,
                        .alone = true,
                        .now_us = ward_wall_us(),
                        .mem = c->mem,
                        .work = c->mem,
                        .at = &s,
                        .n = 1};

    WARD_TRY(import_mark(c->mem, source, &one.from, err));
    WARD_TRY(id_map_init(&one.ids, c->mem, 1, err));
    stage_index(&one, s);
    return stage_fates(&one, err);
}

enum ward_code import_entry(struct worker *w, struct ward_call *c, const struct entry *e,
                            struct entered *out, struct ward_err *err)
{
    struct staged s = {.full_url = e->full_url, .plausible = e->plausible};

    WARD_TRY(entry_read(w, c->mem, e, NULL, NULL, &s, err));
    if (s.in.problems.n == 0)
        WARD_TRY(look_alone(w, c, e->source, &s, err));
    *out = s.in;
    out->version = s.version;
    if (e->edited || s.over)
        return WARD_OK;
    out->from = ward_new(c->mem, Ward__Records__V1__Provenance);
    if (out->from == NULL)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL", "no memory for a mark");
    return import_mark(c->mem, e->source, out->from, err);
}

static enum ward_code find_nobodys(struct worker *w, struct ward_arena *mem,
                                   const uint8_t id[RECORDS_ID], struct version *out,
                                   bool *found, struct ward_err *err)
{
    enum ward_code code = directory_find(w, mem, id, 0, out, err);

    *found = code == WARD_OK;
    if (code == WARD_NOT_FOUND && err != NULL)
        *err = (struct ward_err){0};
    return code == WARD_NOT_FOUND ? WARD_OK : code;
}

static enum ward_code find(struct worker *w, struct ward_arena *mem,
                           const uint8_t id[RECORDS_ID], struct version *out, bool *found,
                           struct ward_err *err)
{
    static const char SQL[] =
        "SELECT " VERSION_COLUMNS " FROM resource r" VERSION_OF_R VERSION_KEYS
        " WHERE r.resource_id = ? FOR UPDATE";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(ward_blob(id, RECORDS_ID)),
                         &rows, err));
    *found = rows.n > 0;
    if (*found)
        version_of(rows.at[0], out);
    return WARD_OK;
}

enum ward_code import_write(struct worker *w, struct ward_call *c, const struct entered *e,
                            const uint8_t event_id[16], int64_t at_us, int *version,
                            enum import_did *did, struct ward_err *err)
{
    struct write what = {.res = e->res,
                         .act = WARD__RECORDS__V1__ACT__ACT_CREATED,
                         .event_id = event_id,
                         .provenance = e->from,
                         .at_us = at_us,
                         .cleaned = (const Ward__Records__V1__Cleaned *const *)e->cleaned.at,
                         .n_cleaned = e->cleaned.n,
                         .by_import = true};
    struct version v = {0}, made = {0};
    uint8_t id[RECORDS_ID];
    bool found = false, same = false;

    if (!ward_uuid_parse(resource_id(e->res), id))
        return WARD_FAIL(err, INTERNAL, "an entry has no id");
    if (e->nobodys)
        WARD_TRY(find_nobodys(w, c->mem, id, &v, &found, err));
    else
        WARD_TRY(find(w, c->mem, id, &v, &found, err));
    if (v.version != e->version)
        return WARD_FAIL(err, ABORTED, "another call wrote the resource meanwhile");
    if (found && v.kind == resource_kind(e->res) && v.wrapped.p != NULL) {
        Resource *old;

        WARD_TRY(chart_open(w, c->mem, &v, &old, err));
        WARD_TRY(entry_same(c->mem, old, e->res, &same, err));
    }
    if (found && same) {
        *version = v.version;
        *did = IMPORT_UNCHANGED;
        return WARD_OK;
    }
    if (found) {
        what.act = WARD__RECORDS__V1__ACT__ACT_UPDATED;
        what.expected_version = v.version;
    }
    if (e->nobodys)
        WARD_TRY(directory_write(w, c, &what, &made, err));
    else
        WARD_TRY(chart_write(w, c, NULL, &what, &made, err));
    *version = made.version;
    *did = found ? IMPORT_UPDATED : IMPORT_CREATED;
    return WARD_OK;
}
