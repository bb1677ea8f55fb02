/* Finds Patients whose identifier another patient has. A person decides whether the Patients
 * are duplicates. */
#include "services/records/exchange/import.h"

#include <string.h>

#define AT_ONCE 50 /* maximum hashes of a query: a statement has at most 64 parameters */
#define Q10     "?,?,?,?,?,?,?,?,?,?"
#define IN_50   " IN (" Q10 "," Q10 "," Q10 "," Q10 "," Q10 ")"

typedef Ward__Records__V1__Identifier Identifier;
typedef Ward__Records__V1__Patient Patient;

_Static_assert(TOKEN_HASH == RECORDS_ID, "an id_map finds by either");

/* The roots of two charts with an identifier; equal roots if only one chart has the
 * identifier. */
struct holders {
    uint8_t hash[TOKEN_HASH];
    uint8_t least[RECORDS_ID], most[RECORDS_ID];
};
struct brings {
    struct staged *e;
    const uint8_t *hash;
};
struct twins {
    struct stage *s;
    struct brings *brings; /* identifiers that are new to a patient */
    size_t n_brings;
    /* keys are identifiers' hashes; values: any, struct holders, struct staged */
    struct id_map asked, held, brought;
    struct ward_val at[AT_ONCE];
    size_t n;
};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                            "the bundle needs too much memory: send smaller bundles");
}

static bool is_looked_at(const struct staged *e)
{
    return e->kind == KIND_PATIENT && (e->fate == FATE_NEW || e->fate == FATE_CHANGED);
}

static enum ward_code holder(struct twins *t, const struct ward_val *row, struct ward_err *err)
{
    struct holders *h = ward_new(t->s->work, struct holders);

    if (h == NULL)
        return no_memory(err);
    for (int i = 0; i < 3; i++)
        if (row[i].n != RECORDS_ID)
            return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                    "a stored row is invalid");
    memcpy(h->hash, row[0].p, TOKEN_HASH);
    memcpy(h->least, row[1].p, RECORDS_ID);
    memcpy(h->most, row[2].p, RECORDS_ID);
    id_map_put(&t->held, h->hash, h);
    return WARD_OK;
}

static enum ward_code ask(struct twins *t, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT t.hash, MIN(p.root_id), MAX(p.root_id) FROM token t"
        " JOIN patient p ON p.patient_id = t.patient_id WHERE t.param = 30"
        " AND t.resource_id = t.patient_id AND p.erased_at_us IS NULL AND t.hash" IN_50
        " GROUP BY t.hash";
    struct ward_rows rows;

    if (t->n == 0)
        return WARD_OK;
    for (size_t i = t->n; i < AT_ONCE; i++)
        t->at[i] = t->at[0];
    t->n = 0;
    WARD_TRY(ward_db_run(t->s->w->event_ctx.db, t->s->work, SQL, t->at, AT_ONCE, &rows, err));
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(holder(t, rows.at[i], err));
    return WARD_OK;
}

/* Hashes an identifier. *out is NULL for an identifier without a system or a value, which
 * identifies nobody. */
static enum ward_code hash_of(struct stage *s, const Identifier *id, uint8_t **out,
                              struct ward_err *err)
{
    const char *text;

    *out = NULL;
    if (*id->system == '\0' || *id->value == '\0')
        return WARD_OK;
    text = ward_printf(s->work, "%s|%s", id->system, id->value);
    *out = ward_alloc(s->work, TOKEN_HASH);
    if (text == NULL || *out == NULL)
        return no_memory(err);
    return param_hash(s->w->rec->keys, PARAM_IDENTIFIER, text, strlen(text), *out, err);
}

/* Whether the patient's current version has the identifier. An identifier that a person
 * accepted is not checked again. */
static bool has_it(const struct ward_rows *has, const uint8_t *hash)
{
    for (size_t i = 0; i < has->n; i++)
        if (has->at[i][0].n == TOKEN_HASH && memcmp(has->at[i][0].p, hash, TOKEN_HASH) == 0)
            return true;
    return false;
}

static enum ward_code what_it_has(struct twins *t, const struct staged *e,
                                  struct ward_rows *out, struct ward_err *err)
{
    static const char SQL[] = "SELECT hash FROM token WHERE patient_id = ?"
                              " AND resource_id = patient_id AND param = 30";

    out->n = 0;
    if (e->fate == FATE_NEW)
        return WARD_OK;
    return ward_db_run(t->s->w->event_ctx.db, t->s->work, SQL,
                       WARD_PARAMS(ward_blob(e->id, RECORDS_ID)), out, err);
}

static enum ward_code about(struct twins *t, struct staged *e, struct ward_err *err)
{
    const Patient *p = e->in.res->patient;
    struct ward_rows has;

    WARD_TRY(what_it_has(t, e, &has, err));
    for (size_t i = 0; i < p->n_identifier; i++) {
        uint8_t *hash;

        WARD_TRY(hash_of(t->s, p->identifier[i], &hash, err));
        if (hash == NULL || has_it(&has, hash))
            continue;
        t->brings[t->n_brings++] = (struct brings){e, hash};
        if (id_map_get(&t->asked, hash) != NULL)
            continue;
        id_map_put(&t->asked, hash, t);
        t->at[t->n++] = ward_blob(hash, TOKEN_HASH);
        if (t->n == AT_ONCE)
            WARD_TRY(ask(t, err));
    }
    return WARD_OK;
}

static const uint8_t *root_of(const struct stage *s, const struct staged *e)
{
    const struct there *p = id_map_get(&s->there.patients, e->id);

    return p == NULL ? e->id : p->root;
}

/* Whether a patient in another chart, or another patient of the batch, has the identifier. */
static bool is_another_s(const struct twins *t, const struct staged *e, const uint8_t *hash)
{
    const struct holders *h = id_map_get(&t->held, hash);
    const struct staged *near = id_map_get(&t->brought, hash);
    const uint8_t *root = root_of(t->s, e);

    if (near != NULL && memcmp(root_of(t->s, near), root, RECORDS_ID) != 0)
        return true;
    return h != NULL &&
           (memcmp(h->least, root, RECORDS_ID) != 0 || memcmp(h->most, root, RECORDS_ID) != 0);
}

static enum ward_code judge(struct twins *t, const struct brings *b, struct ward_err *err)
{
    struct staged *e = b->e;

    if (e->fate == FATE_WRONG)
        return WARD_OK;
    if (!is_another_s(t, e, b->hash)) {
        id_map_put(&t->brought, b->hash, e);
        return WARD_OK;
    }
    e->fate = FATE_WRONG;
    return problem_add(t->s->mem, &e->in.problems, "DUPLICATE_PATIENT", "Patient.identifier",
                       "a patient from another source has this identifier", NULL, err);
}

static enum ward_code begin(struct twins *t, size_t n, struct ward_err *err)
{
    t->brings = ward_alloc(t->s->work, n * sizeof(*t->brings));
    if (t->brings == NULL)
        return no_memory(err);
    WARD_TRY(id_map_init(&t->asked, t->s->work, n, err));
    WARD_TRY(id_map_init(&t->held, t->s->work, n, err));
    return id_map_init(&t->brought, t->s->work, n, err);
}

enum ward_code import_twins(struct stage *s, struct ward_err *err)
{
    struct twins t = {.s = s};
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++)
        if (is_looked_at(s->at[i]))
            n += s->at[i]->in.res->patient->n_identifier;
    if (s->alone || n == 0)
        return WARD_OK;
    WARD_TRY(begin(&t, n, err));
    for (size_t i = 0; i < s->n; i++)
        if (is_looked_at(s->at[i]))
            WARD_TRY(about(&t, s->at[i], err));
    WARD_TRY(ask(&t, err));
    for (size_t i = 0; i < t.n_brings; i++)
        WARD_TRY(judge(&t, &t.brings[i], err));
    return WARD_OK;
}
