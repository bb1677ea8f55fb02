/* Finds a source's patients that are already known: by an alias, by an identifier that an entry
 * names or requests, or by an identifier of a trusted system. */
#include "services/records/exchange/import_ask.h"

#include <stdlib.h>
#include <string.h>

typedef Ward__Records__V1__Identifier Identifier;
typedef Ward__Records__V1__Patient Patient;

_Static_assert(TOKEN_HASH == RECORDS_ID, "an id_map finds by either");

/* For an alias (id): the patient and the chart's root. For an identifier's hash (id): the least
 * and the greatest patient with the identifier. */
struct pair {
    uint8_t id[RECORDS_ID], least[RECORDS_ID], most[RECORDS_ID];
};
struct known {
    struct stage *s;
    struct id_map aliases, holders; /* values: struct pair */
    struct id_map brought;          /* staged Patients, by an identifier's hash */
    /* staged Patients, by the id of the matching known patient */
    struct id_map taken;
};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                            "the bundle needs too much memory: send smaller bundles");
}

/* Whether an entry is a Patient of a bundle that may be matched by its identifiers. */
static bool may_be_linked(const struct stage *s, const struct staged *e)
{
    return e->kind == KIND_PATIENT && e->is_read && e->has_id && !s->alone && e->came == NULL &&
           e->in.res != NULL && e->in.problems.n == 0;
}

/* ---- existing patients ---- */

static enum ward_code found(struct ask *q, const struct ward_val *row, struct ward_err *err)
{
    struct pair *p = ward_new(q->mem, struct pair);

    if (p == NULL)
        return no_memory(err);
    for (int i = 0; i < 3; i++)
        if (row[i].n != RECORDS_ID)
            return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                    "a stored row is invalid");
    memcpy(p->id, row[0].p, RECORDS_ID);
    memcpy(p->least, row[1].p, RECORDS_ID);
    memcpy(p->most, row[2].p, RECORDS_ID);
    id_map_put(q->out, p->id, p);
    return WARD_OK;
}

static enum ward_code look_aliases(struct known *k, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT a.alias_id, a.patient_id, p.root_id FROM patient_alias a"
        " JOIN patient p ON p.patient_id = a.patient_id WHERE a.alias_id" ASK_IN;
    struct stage *s = k->s;
    struct ask q;

    WARD_TRY(ask_open(&q, s->w, s->work, SQL, s->n, &k->aliases, err));
    q.row = found;
    for (size_t i = 0; i < s->n; i++)
        if (s->at[i]->is_read && s->at[i]->in.has_patient && !s->at[i]->by_identifier)
            WARD_TRY(ask_about(&q, s->at[i]->whom, err));
    return ask_end(&q, err);
}

/* Hashes a Patient's identifiers; `trusted`: only those of trusted systems. */
static enum ward_code hashes_of(struct stage *s, const struct staged *e, bool trusted,
                                uint8_t (**out)[RECORDS_ID], size_t *n, struct ward_err *err)
{
    const Patient *p = e->in.res->patient;

    *n = 0;
    *out = ward_alloc(s->work, (p->n_identifier + 1) * RECORDS_ID);
    if (*out == NULL)
        return no_memory(err);
    for (size_t i = 0; i < p->n_identifier; i++) {
        const Identifier *id = p->identifier[i];
        const char *text;

        if (*id->system == '\0' || *id->value == '\0' ||
            (trusted && !known_trusts(s, id->system)))
            continue;
        text = ward_printf(s->work, "%s|%s", id->system, id->value);
        if (text == NULL)
            return no_memory(err);
        WARD_TRY(known_hash(s->w, text, (*out)[(*n)++], err));
    }
    return WARD_OK;
}

/* Identifiers that entries name or request, and their trusted identifiers. */
struct wanted {
    const uint8_t **at;
    size_t n, cap;
};

static enum ward_code want(struct stage *s, struct wanted *w, const uint8_t *hash,
                           struct ward_err *err)
{
    if (w->n == w->cap) {
        size_t cap = w->cap == 0 ? 64 : 2 * w->cap;
        const uint8_t **at = ward_alloc(s->work, cap * sizeof(*at));

        if (at == NULL)
            return no_memory(err);
        if (w->n > 0)
            memcpy(at, w->at, w->n * sizeof(*at));
        w->at = at;
        w->cap = cap;
    }
    w->at[w->n++] = hash;
    return WARD_OK;
}

static enum ward_code want_conditions(struct stage *s, struct wanted *out, struct ward_err *err)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct staged *e = s->at[i];
        uint8_t(*own)[RECORDS_ID];
        size_t n;

        if (!may_be_linked(s, e))
            continue;
        if (e->condition != CONDITION_NONE)
            WARD_TRY(want(s, out, e->wanted, err));
        if (*s->w->rec->cfg.trusted_systems == '\0')
            continue;
        WARD_TRY(hashes_of(s, e, true, &own, &n, err));
        for (size_t k = 0; k < n; k++)
            WARD_TRY(want(s, out, own[k], err));
    }
    return WARD_OK;
}

static int by_hash(const void *a, const void *b)
{
    return memcmp(*(const uint8_t *const *)a, *(const uint8_t *const *)b, RECORDS_ID);
}

/* Locks a row of identifier_gate for each requested identifier. A concurrent import or
 * conditional Create of the same patient then waits. Rows are locked in a fixed order, to avoid
 * deadlocks. */
static enum ward_code take_gate(struct stage *s, const struct wanted *w, struct ward_err *err)
{
    static const char WAIT[] = "INSERT INTO identifier_gate (hash) VALUES (?)"
                               " ON DUPLICATE KEY UPDATE hash = VALUES(hash)";

    s->n_gate = 0;
    s->gate = ward_alloc(s->work, (w->n + 1) * sizeof(*s->gate));
    if (s->gate == NULL)
        return no_memory(err);
    if (w->n > 1)
        qsort(w->at, w->n, sizeof(*w->at), by_hash);
    for (size_t i = 0; i < w->n && !s->dry_run; i++) {
        if (i > 0 && memcmp(w->at[i], w->at[i - 1], RECORDS_ID) == 0)
            continue;
        s->gate[s->n_gate] = ward_blob(w->at[i], RECORDS_ID);
        WARD_TRY(
            ward_db_run(s->w->event_ctx.db, s->work, WAIT, &s->gate[s->n_gate], 1, NULL, err));
        s->n_gate++;
    }
    return WARD_OK;
}

static enum ward_code look_identifiers(struct known *k, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT t.hash, MIN(p.root_id), MAX(p.root_id) FROM token t"
        " JOIN patient p ON p.patient_id = t.patient_id WHERE t.param = 30"
        " AND t.resource_id = t.patient_id AND p.erased_at_us IS NULL AND t.hash" ASK_IN
        " GROUP BY t.hash";
    struct stage *s = k->s;
    struct wanted w = {0};
    struct ask q;

    WARD_TRY(want_conditions(s, &w, err));
    WARD_TRY(take_gate(s, &w, err));
    for (size_t i = 0; i < s->n; i++)
        if (s->at[i]->is_read && s->at[i]->by_identifier)
            WARD_TRY(want(s, &w, s->at[i]->whom, err));
    WARD_TRY(ask_open(&q, s->w, s->work, SQL, w.n, &k->holders, err));
    q.row = found;
    for (size_t i = 0; i < w.n; i++)
        WARD_TRY(ask_about(&q, w.at[i], err));
    return ask_end(&q, err);
}

/* Maps identifiers to staged Patients, if an entry names a patient by identifier. */
static enum ward_code look_staged(struct known *k, struct ward_err *err)
{
    struct stage *s = k->s;
    size_t named = 0, most = 0;

    for (size_t i = 0; i < s->n; i++) {
        named += s->at[i]->by_identifier;
        if (may_be_linked(s, s->at[i]))
            most += s->at[i]->in.res->patient->n_identifier;
    }
    WARD_TRY(id_map_init(&k->brought, s->work, most, err));
    for (size_t i = 0; i < s->n && named > 0; i++) {
        uint8_t(*own)[RECORDS_ID];
        size_t n;

        if (!may_be_linked(s, s->at[i]))
            continue;
        WARD_TRY(hashes_of(s, s->at[i], false, &own, &n, err));
        for (size_t j = 0; j < n; j++)
            if (id_map_get(&k->brought, own[j]) == NULL)
                id_map_put(&k->brought, own[j], s->at[i]);
    }
    return WARD_OK;
}

/* ---- Patients ---- */

static enum ward_code become(struct stage *s, struct staged *e, const uint8_t id[RECORDS_ID],
                             struct ward_err *err)
{
    char *text = ward_alloc(s->work, 37);

    if (text == NULL)
        return no_memory(err);
    memcpy(e->id, id, RECORDS_ID);
    memcpy(e->in.patient, id, RECORDS_ID);
    ward_uuid_text(id, text);
    if (e->in.res != NULL)
        resource_set_id(e->in.res, text);
    return WARD_OK;
}

static bool are_several(const struct pair *p)
{
    return memcmp(p->least, p->most, RECORDS_ID) != 0;
}

/* Finds the only patient with a trusted identifier of e. *out is NULL if there is no such
 * patient, or several, which import_twins reports. */
static enum ward_code trusted_one(struct known *k, const struct staged *e,
                                  const struct pair **out, struct ward_err *err)
{
    uint8_t(*own)[RECORDS_ID];
    size_t n;

    *out = NULL;
    WARD_TRY(hashes_of(k->s, e, true, &own, &n, err));
    for (size_t i = 0; i < n; i++) {
        const struct pair *p = id_map_get(&k->holders, own[i]);

        if (p == NULL)
            continue;
        if (are_several(p) ||
            (*out != NULL && memcmp((*out)->least, p->least, RECORDS_ID) != 0)) {
            *out = NULL;
            return WARD_OK;
        }
        *out = p;
    }
    return WARD_OK;
}

static enum ward_code is_there(struct stage *s, const uint8_t id[RECORDS_ID], bool *out,
                               struct ward_err *err)
{
    static const char SQL[] = "SELECT 1 FROM resource WHERE resource_id = ?";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(s->w->event_ctx.db, s->work, SQL,
                         WARD_PARAMS(ward_blob(id, RECORDS_ID)), &rows, err));
    *out = rows.n > 0;
    return WARD_OK;
}

static enum ward_code doubtful(struct stage *s, struct staged *e, const char *reason,
                               const char *text, struct ward_err *err)
{
    const char *path = e->condition == CONDITION_CREATE   ? "request.ifNoneExist"
                       : e->condition == CONDITION_UPDATE ? "request.url"
                                                          : "Patient.identifier";

    return problem_add(s->mem, &e->in.problems, reason, path, text, NULL, err);
}

/* Links e to the known patient `id`. compare_known later checks whether e can be this person,
 * when the chart is decrypted. */
static enum ward_code link(struct known *k, struct staged *e, const uint8_t id[RECORDS_ID],
                           struct ward_err *err)
{
    const struct staged *other = id_map_get(&k->s->ids, id);
    bool there;

    WARD_TRY(is_there(k->s, e->came_id, &there, err));
    if (there && e->condition == CONDITION_NONE)
        /* the source's id is another existing patient, which import_twins reports */
        return WARD_OK;
    if (there)
        return doubtful(k->s, e, "DUPLICATE_PATIENT",
                        "another patient than the one with the entry's id has this identifier",
                        err);
    if (id_map_get(&k->taken, id) != NULL || (other != NULL && other != e))
        return doubtful(k->s, e, "DUPLICATE_PATIENT",
                        "another entry of the same transaction is this patient", err);
    e->linked = true;
    WARD_TRY(become(k->s, e, id, err));
    id_map_put(&k->taken, e->id, e);
    return WARD_OK;
}

static enum ward_code settle_patient(struct known *k, struct staged *e, struct ward_err *err)
{
    const struct pair *alias = id_map_get(&k->aliases, e->came_id), *one = NULL;

    if (alias != NULL)
        WARD_TRY(become(k->s, e, alias->least, err));
    if (!may_be_linked(k->s, e))
        return WARD_OK;
    if (e->condition != CONDITION_NONE)
        one = id_map_get(&k->holders, e->wanted);
    else if (alias == NULL)
        WARD_TRY(trusted_one(k, e, &one, err));
    if (one != NULL && are_several(one))
        return doubtful(k->s, e, "SEVERAL_MATCH", "several patients have this identifier", err);
    if (alias != NULL && one != NULL && memcmp(alias->most, one->least, RECORDS_ID) != 0)
        return doubtful(k->s, e, "DUPLICATE_PATIENT",
                        "the source's id and the identifier name two patients", err);
    if (alias == NULL && one != NULL && memcmp(one->least, e->came_id, RECORDS_ID) != 0)
        return link(k, e, one->least, err);
    return WARD_OK;
}

/* ---- the patient of an entry ---- */

static enum ward_code point(struct stage *s, struct staged *e, const uint8_t id[RECORDS_ID],
                            struct ward_err *err)
{
    char text[37];

    memcpy(e->in.patient, id, RECORDS_ID);
    if (e->subject == NULL)
        return WARD_OK;
    ward_uuid_text(id, text);
    e->subject->reference = ward_printf(s->work, "Patient/%s", text);
    return e->subject->reference == NULL ? no_memory(err) : WARD_OK;
}

static enum ward_code settle_subject(struct known *k, struct staged *e, struct ward_err *err)
{
    const struct pair *p = id_map_get(e->by_identifier ? &k->holders : &k->aliases, e->whom);
    const struct staged *near =
        id_map_get(e->by_identifier ? &k->brought : &k->s->ids, e->whom);

    if (p != NULL && e->by_identifier && are_several(p)) {
        const char *field, *path;

        (void)resource_subject(e->in.res, &field);
        path = ward_printf(k->s->mem, "%s.%s", resource_type(e->in.res), field);
        return path == NULL ? no_memory(err)
                            : problem_add(k->s->mem, &e->in.problems, "SEVERAL_MATCH", path,
                                          "several patients have this identifier", NULL, err);
    }
    if (e->by_identifier)
        e->via = near; /* this entry is quarantined with its Patient */
    if (p != NULL)
        return point(k->s, e, p->least, err);
    if (near == NULL || near->kind != KIND_PATIENT || (!e->by_identifier && !near->linked))
        return WARD_OK;
    e->via = near;
    return point(k->s, e, near->id, err);
}

/* Restores the original ids, which an earlier run of the transaction may have replaced. */
static void reset(struct staged *e)
{
    e->linked = false;
    e->via = NULL;
    e->merged = NULL;
    if (!e->is_read)
        return;
    memcpy(e->id, e->came_id, RECORDS_ID);
    memcpy(e->in.patient, e->whom, RECORDS_ID);
    if (e->subject != NULL)
        e->subject->reference = e->subject_text;
}

enum ward_code import_known(struct stage *s, struct ward_err *err)
{
    struct known k = {.s = s};

    for (size_t i = 0; i < s->n; i++)
        reset(s->at[i]);
    WARD_TRY(id_map_init(&k.taken, s->work, s->n, err));
    WARD_TRY(look_aliases(&k, err));
    WARD_TRY(look_identifiers(&k, err));
    WARD_TRY(look_staged(&k, err));
    for (size_t i = 0; i < s->n; i++)
        if (s->at[i]->is_read && s->at[i]->kind == KIND_PATIENT && s->at[i]->in.has_patient)
            WARD_TRY(settle_patient(&k, s->at[i], err));
    for (size_t i = 0; i < s->n; i++)
        if (s->at[i]->is_read && s->at[i]->kind != KIND_PATIENT && s->at[i]->in.has_patient)
            WARD_TRY(settle_subject(&k, s->at[i], err));
    return WARD_OK;
}

enum ward_code import_known_end(struct stage *s, struct ward_err *err)
{
    static const char ALIAS[] = "INSERT IGNORE INTO patient_alias (alias_id, patient_id,"
                                " linked_at_us) VALUES (?, ?, ?)";
    static const char OPEN[] = "DELETE FROM identifier_gate WHERE hash = ?";
    struct ward_db *db = s->w->event_ctx.db;

    for (size_t i = 0; i < s->n; i++) {
        const struct staged *e = s->at[i];

        if (e->linked && e->fate <= FATE_SAME)
            WARD_TRY(ward_db_run(db, s->work, ALIAS,
                                 WARD_PARAMS(ward_blob(e->came_id, RECORDS_ID),
                                             ward_blob(e->id, RECORDS_ID),
                                             ward_int(s->work, s->now_us)),
                                 NULL, err));
    }
    for (size_t i = 0; i < s->n_gate; i++)
        WARD_TRY(ward_db_run(db, s->work, OPEN, &s->gate[i], 1, NULL, err));
    s->n_gate = 0;
    return WARD_OK;
}
