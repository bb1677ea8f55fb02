/* Finds the patient of a resource that names its patient only by urn:uuid. Ids of patients are
 * distinguished from ids of other resources. */
#include "services/records/exchange/import_ask.h"
#include "services/records/exchange/import_ids.h"

#include <string.h>

#define URN "urn:uuid:"

/* Counts the references. NOLINTNEXTLINE(misc-no-recursion): a parsed text nests at most
 * WARD_JSON_DEPTH deep */
static size_t count(const struct ward_json *v)
{
    size_t n =
        v->kind == WARD_JSON_STRING && v->key != NULL && strcmp(v->key, "reference") == 0;

    for (const struct ward_json *x = v->first; x != NULL; x = x->next)
        n += count(x);
    return n;
}

/* NOLINTNEXTLINE(misc-no-recursion): as above */
static void gather(const struct ward_json *v, uint8_t (*out)[RECORDS_ID], size_t *n)
{
    if (v->kind == WARD_JSON_STRING && v->key != NULL && strcmp(v->key, "reference") == 0 &&
        strncmp(v->text, URN, strlen(URN)) == 0 &&
        ward_uuid_parse(v->text + strlen(URN), out[*n]))
        (*n)++;
    for (const struct ward_json *x = v->first; x != NULL; x = x->next)
        gather(x, out, n);
}

struct asking {
    struct ask q; /* first member, so that `row` can convert its argument */
    uint8_t patient[RECORDS_ID];
    bool found, several;
};

static void is_one(struct asking *a, const uint8_t id[RECORDS_ID])
{
    a->several = a->several || (a->found && memcmp(a->patient, id, RECORDS_ID) != 0);
    a->found = true;
    memcpy(a->patient, id, RECORDS_ID);
}

static enum ward_code is_there(struct ask *q, const struct ward_val *row, struct ward_err *err)
{
    (void)err;
    if (row[0].n == RECORDS_ID)
        is_one((struct asking *)(void *)q, (const uint8_t *)row[0].p);
    return WARD_OK;
}

/* Looks up ids of patients among the staged entries, among patients' ids and among aliases. */
static enum ward_code look(struct worker *w, struct ward_arena *mem, const struct entry *e,
                           uint8_t (*ids)[RECORDS_ID], size_t n, struct asking *a,
                           struct ward_err *err)
{
    static const char *const SQL[] = {
        "SELECT patient_id FROM patient WHERE patient_id" ASK_IN,
        "SELECT alias_id FROM patient_alias WHERE alias_id" ASK_IN};
    struct id_map none;

    for (size_t k = 0; k < WARD_COUNT(SQL); k++) {
        WARD_TRY(ask_open(&a->q, w, mem, SQL[k], n, &none, err));
        a->q.row = is_there;
        for (size_t i = 0; i < n; i++) {
            const struct staged *near = e->near == NULL ? NULL : id_map_get(e->near, ids[i]);

            if (near == NULL && e->settle != NULL)
                WARD_TRY(e->settle(e->settle_arg, err));
            if (near == NULL)
                WARD_TRY(ask_about(&a->q, ids[i], err));
            else if (near->kind == KIND_PATIENT)
                is_one(a, ids[i]);
        }
        WARD_TRY(ask_end(&a->q, err));
    }
    return WARD_OK;
}

enum ward_code import_whom(struct worker *w, struct ward_arena *mem, const struct entry *e,
                           Ward__Records__V1__Other *o, struct ward_err *err)
{
    size_t most = count(e->json), n = 0;
    uint8_t(*ids)[RECORDS_ID];
    struct asking a = {.found = false};
    char text[37];

    if (o->subject != NULL || most == 0)
        return WARD_OK;
    ids = ward_alloc(mem, most * RECORDS_ID);
    o->subject = ward_new(mem, Ward__Records__V1__Reference);
    if (ids == NULL || o->subject == NULL)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                                "the bundle needs too much memory: send smaller bundles");
    ward__records__v1__reference__init(o->subject);
    gather(e->json, ids, &n);
    WARD_TRY(look(w, mem, e, ids, n, &a, err));
    if (!a.found || a.several) {
        o->subject = NULL;
        return WARD_OK;
    }
    ward_uuid_text(a.patient, text);
    o->subject->reference = ward_printf(mem, URN "%s", text);
    return o->subject->reference == NULL
               ? WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                                  "the bundle needs too much memory: send smaller bundles")
               : WARD_OK;
}

/* ---- the possible patients, if there is not exactly one patient ---- */

struct naming {
    struct worker *w;
    struct ward_arena *mem;
    const char *source;
    struct entered *out;
};

/* Adds the patient of a reference: the converted id of 17 for "Patient/17" and
 * "http://x/Patient/17/_history/1". */
static enum ward_code name_one(struct naming *n, const char *reference, struct ward_err *err)
{
    static const char PATIENT[] = "Patient/";
    const struct id_source from = {
        .keys = n->w->rec->keys, .source = n->source, .full_url = "", .place = ""};
    const char *at = strstr(reference, PATIENT);
    char *id, *ours;

    if (strncmp(reference, URN, strlen(URN)) == 0) {
        n->out->n_named +=
            ward_uuid_parse(reference + strlen(URN), n->out->named[n->out->n_named]);
        return WARD_OK;
    }
    if (at == NULL)
        return WARD_OK;
    at += strlen(PATIENT);
    id = ward_printf(n->mem, "%.*s", (int)strcspn(at, "/?#"), at);
    if (id == NULL)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                                "the bundle needs too much memory: send smaller bundles");
    if (*id == '\0')
        return WARD_OK;
    WARD_TRY(import_id_of(&from, n->mem, "Patient", id, &ours, err));
    n->out->n_named += ward_uuid_parse(ours, n->out->named[n->out->n_named]);
    return WARD_OK;
}

/* NOLINTNEXTLINE(misc-no-recursion): as above */
static enum ward_code name_all(struct naming *n, const struct ward_json *v,
                               struct ward_err *err)
{
    if (v->kind == WARD_JSON_STRING && v->key != NULL && strcmp(v->key, "reference") == 0)
        return name_one(n, v->text, err);
    for (const struct ward_json *x = v->first; x != NULL; x = x->next)
        WARD_TRY(name_all(n, x, err));
    return WARD_OK;
}

enum ward_code import_named(struct worker *w, struct ward_arena *mem, const struct entry *e,
                            struct entered *out, struct ward_err *err)
{
    struct naming n = {.w = w, .mem = mem, .source = e->source, .out = out};

    out->n_named = 0;
    out->named = ward_alloc(mem, (count(e->json) + 1) * RECORDS_ID);
    if (out->named == NULL)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                                "the bundle needs too much memory: send smaller bundles");
    return name_all(&n, e->json, err);
}
