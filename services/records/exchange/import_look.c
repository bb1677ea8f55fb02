/* Reads the existing patients, encounters and resources that a batch names. */
#include "services/records/exchange/import_ask.h"

#include "common/base/text.h"
#include "services/records/store/directory.h"

#include <string.h>

/* ---- map from ids to objects ---- */

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                            "the bundle needs too much memory: send smaller bundles");
}

enum ward_code id_map_init(struct id_map *m, struct ward_arena *mem, size_t most,
                           struct ward_err *err)
{
    size_t cap = 64;

    while (cap < 2 * most)
        cap *= 2;
    m->id = ward_alloc(mem, cap * sizeof(*m->id));
    m->thing = ward_alloc(mem, cap * sizeof(*m->thing));
    m->cap = cap;
    return m->id == NULL || m->thing == NULL ? no_memory(err) : WARD_OK;
}

/* Hashes all bytes of an id, because callers may choose ids, so the bytes are not random. */
static size_t slot_of(const struct id_map *m, const uint8_t id[RECORDS_ID])
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    size_t i;

    for (int k = 0; k < RECORDS_ID; k++)
        h = (h ^ id[k]) * UINT64_C(0x100000001b3);
    i = (size_t)(h ^ (h >> 29)) & (m->cap - 1);
    while (m->id[i] != NULL && memcmp(m->id[i], id, RECORDS_ID) != 0)
        i = (i + 1) & (m->cap - 1);
    return i;
}

void id_map_put(struct id_map *m, const uint8_t id[RECORDS_ID], void *thing)
{
    size_t i = slot_of(m, id);

    m->id[i] = id;
    m->thing[i] = thing;
}

void *id_map_get(const struct id_map *m, const uint8_t id[RECORDS_ID])
{
    size_t i = m->cap == 0 ? 0 : slot_of(m, id);

    return m->cap == 0 || m->id[i] == NULL ? NULL : m->thing[i];
}

/* ---- queries ---- */

enum ward_code ask_end(struct ask *q, struct ward_err *err)
{
    struct ward_rows rows;

    if (q->n == 0)
        return WARD_OK;
    for (size_t i = q->n; i < ASK_AT_ONCE; i++)
        q->ids[i] = q->ids[0];
    q->n = 0;
    WARD_TRY(ward_db_run(q->w->event_ctx.db, q->mem, q->sql, q->ids, ASK_AT_ONCE, &rows, err));
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(q->row(q, rows.at[i], err));
    return WARD_OK;
}

enum ward_code ask_about(struct ask *q, const uint8_t id[RECORDS_ID], struct ward_err *err)
{
    if (id_map_get(&q->asked, id) != NULL)
        return WARD_OK;
    id_map_put(&q->asked, id, q);
    q->ids[q->n++] = ward_blob(id, RECORDS_ID);
    return q->n == ASK_AT_ONCE ? ask_end(q, err) : WARD_OK;
}

static enum ward_code unreadable(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE", "a stored row is invalid");
}

/* patient_id, root_id, birth_us, erased_at_us; or an encounter's resource_id and root_id. */
static enum ward_code found(struct ask *q, const struct ward_val *row, bool patient,
                            struct ward_err *err)
{
    struct there *t = ward_new(q->mem, struct there);

    if (t == NULL)
        return no_memory(err);
    if (row[0].n != RECORDS_ID || row[1].n != RECORDS_ID)
        return unreadable(err);
    memcpy(t->id, row[0].p, RECORDS_ID);
    memcpy(t->root, row[1].p, RECORDS_ID);
    t->birth_us = INT64_MIN;
    if (patient) {
        t->erased = row[3].p != NULL;
        if (row[2].p != NULL && !ward_i64(row[2].p, INT64_MIN, INT64_MAX, &t->birth_us))
            return unreadable(err);
    }
    id_map_put(q->out, t->id, t);
    return WARD_OK;
}

static enum ward_code found_patient(struct ask *q, const struct ward_val *row,
                                    struct ward_err *err)
{
    return found(q, row, true, err);
}

static enum ward_code found_encounter(struct ask *q, const struct ward_val *row,
                                      struct ward_err *err)
{
    return found(q, row, false, err);
}

static enum ward_code found_nobodys(struct ask *q, const struct ward_val *row,
                                    struct ward_err *err)
{
    struct version *v = ward_new(q->mem, struct version);

    if (v == NULL)
        return no_memory(err);
    directory_version_of(row, v);
    id_map_put(q->out, v->id, v);
    return WARD_OK;
}

static enum ward_code found_version(struct ask *q, const struct ward_val *row,
                                    struct ward_err *err)
{
    struct version *v = ward_new(q->mem, struct version);

    if (v == NULL)
        return no_memory(err);
    version_of(row, v);
    id_map_put(q->out, v->id, v);
    return WARD_OK;
}

enum ward_code ask_open(struct ask *q, struct worker *w, struct ward_arena *mem,
                        const char *sql, size_t n, struct id_map *out, struct ward_err *err)
{
    *q = (struct ask){.w = w, .mem = mem, .sql = sql, .out = out};
    WARD_TRY(id_map_init(&q->asked, mem, n, err));
    return id_map_init(out, mem, n, err);
}

static enum ward_code look_patients(struct worker *w, struct ward_arena *mem,
                                    struct staged *const *at, size_t n, struct id_map *out,
                                    struct ward_err *err)
{
    static const char SQL[] = "SELECT patient_id, root_id, birth_us, erased_at_us FROM patient"
                              " WHERE patient_id" ASK_IN;
    struct ask q;

    WARD_TRY(ask_open(&q, w, mem, SQL, n, out, err));
    q.row = found_patient;
    for (size_t i = 0; i < n; i++)
        if (at[i]->in.has_patient)
            WARD_TRY(ask_about(&q, at[i]->in.patient, err));
    return ask_end(&q, err);
}

/* Whether an encounter may exist: an encounter of the batch exists only if look_resources found
 * it. */
static bool may_exist(const uint8_t encounter[RECORDS_ID], const struct id_map *batch,
                      const struct id_map *resources)
{
    const struct staged *near = id_map_get(batch, encounter);

    return near == NULL || near->kind != KIND_ENCOUNTER ||
           id_map_get(resources, encounter) != NULL;
}

static enum ward_code look_encounters(struct worker *w, struct ward_arena *mem,
                                      struct staged *const *at, size_t n,
                                      const struct id_map *batch, struct looked *out,
                                      struct ward_err *err)
{
    static const char SQL[] = "SELECT r.resource_id, p.root_id FROM resource r JOIN patient p"
                              " ON p.patient_id = r.patient_id WHERE r.kind = 2"
                              " AND r.resource_id" ASK_IN;
    struct ask q;

    WARD_TRY(ask_open(&q, w, mem, SQL, n, &out->encounters, err));
    q.row = found_encounter;
    for (size_t i = 0; i < n; i++)
        if (at[i]->has_encounter && may_exist(at[i]->encounter, batch, &out->resources))
            WARD_TRY(ask_about(&q, at[i]->encounter, err));
    return ask_end(&q, err);
}

static enum ward_code look_resources(struct worker *w, struct ward_arena *mem,
                                     struct staged *const *at, size_t n, struct id_map *out,
                                     struct ward_err *err)
{
    static const char SQL[] =
        "SELECT " VERSION_COLUMNS " FROM resource r" VERSION_OF_R VERSION_KEYS
        " WHERE r.resource_id" ASK_IN;
    struct ask q;

    WARD_TRY(ask_open(&q, w, mem, SQL, n, out, err));
    q.row = found_version;
    for (size_t i = 0; i < n; i++)
        if (at[i]->has_id)
            WARD_TRY(ask_about(&q, at[i]->id, err));
    return ask_end(&q, err);
}

/* Reads resources without a patient. Entries of kinds that exist only in charts are excluded,
 * because they may have the same id as a resource without a patient. */
static enum ward_code look_directory(struct worker *w, struct ward_arena *mem,
                                     struct staged *const *at, size_t n, struct id_map *out,
                                     struct ward_err *err)
{
    static const char SQL[] = DIRECTORY_CURRENT " WHERE d.resource_id" ASK_IN;
    struct ask q;

    WARD_TRY(ask_open(&q, w, mem, SQL, n, out, err));
    q.row = found_nobodys;
    for (size_t i = 0; i < n; i++)
        if (at[i]->has_id && (at[i]->kind == KIND_OTHER || kind_is_nobodys(at[i]->kind)))
            WARD_TRY(ask_about(&q, at[i]->id, err));
    return ask_end(&q, err);
}

enum ward_code import_look(struct worker *w, struct ward_arena *mem, struct staged *const *at,
                           size_t n, const struct id_map *batch, struct looked *out,
                           struct ward_err *err)
{
    WARD_TRY(look_patients(w, mem, at, n, &out->patients, err));
    WARD_TRY(look_directory(w, mem, at, n, &out->directory, err));
    WARD_TRY(look_resources(w, mem, at, n, &out->resources, err));
    return look_encounters(w, mem, at, n, batch, out, err);
}
