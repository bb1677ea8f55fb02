/* Determines the author of the existing version: an import changes only versions of its own
 * source. */
#include "services/records/exchange/import.h"

#include "common/base/crypto.h"
#include "common/base/text.h"

#include <string.h>

#define MARK_MAX  128                /* maximum bytes of version.device */
#define OPEN_MOST ((size_t)24 << 20) /* memory to decrypt and compare one version */

typedef Ward__Records__V1__Patient Patient;
typedef Ward__Records__V1__Patient__Link Link;

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL", "the resource is too large");
}

enum ward_code import_mark(struct ward_arena *mem, const char *source,
                           Ward__Records__V1__Provenance *out, struct ward_err *err)
{
    ward__records__v1__provenance__init(out);
    if (strlen(source) > MARK_MAX - strlen(IMPORT_MARK)) {
        const struct ward_bytes part = {source, strlen(source)};
        uint8_t sum[WARD_SHA256_SIZE];
        char text[2 * WARD_SHA256_SIZE + 1];

        ward_sha256_parts(&part, 1, sum);
        ward_hex(sum, sizeof(sum), text);
        out->device = ward_printf(mem, IMPORT_MARK "%s", text);
    } else {
        out->device = ward_printf(mem, IMPORT_MARK "%s", source);
    }
    return out->device == NULL ? no_memory(err) : WARD_OK;
}

bool import_is_ours(const struct stage *s, const struct version *v)
{
    return strcmp(v->device, s->from.device) == 0;
}

/* Whether an earlier version of this source has the same content as res. */
static enum ward_code same_as(struct stage *s, struct ward_arena *mem, const struct version *of,
                              int number, Resource *res, bool *same, struct ward_err *err)
{
    struct version v;
    Resource *old;

    WARD_TRY(chart_version(s->w, mem, of->patient, of->id, number, &v, err));
    if (!import_is_ours(s, &v)) /* the query compares `device` without case */
        return WARD_OK;
    WARD_TRY(chart_open(s->w, mem, &v, &old, err));
    return entry_same(mem, old, res, same, err);
}

enum ward_code import_said_before(struct stage *s, const struct version *v, Resource *res,
                                  bool *out, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT version FROM version WHERE patient_id = ? AND resource_id = ?"
        " AND device = ? ORDER BY version DESC";
    enum ward_code code = WARD_OK;
    struct ward_arena mem;
    struct ward_rows rows;

    *out = false;
    WARD_TRY(ward_db_run(s->w->event_ctx.db, s->work, SQL,
                         WARD_PARAMS(ward_blob(v->patient, RECORDS_ID),
                                     ward_blob(v->id, RECORDS_ID), ward_text(s->from.device)),
                         &rows, err));
    ward_arena_init(&mem, OPEN_MOST);
    for (size_t i = 0; code == WARD_OK && !*out && i < rows.n; i++) {
        int64_t number = 0;

        code = ward_i64(rows.at[i][0].p, 1, INT32_MAX, &number)
                   ? same_as(s, &mem, v, (int)number, res, out, err)
                   : WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                      "a stored row is invalid");
        ward_arena_reset(&mem);
    }
    ward_arena_done(&mem);
    return code;
}

enum ward_code import_said_last(struct stage *s, const struct version *v, Resource **out,
                                struct ward_err *err)
{
    static const char SQL[] =
        "SELECT version FROM version WHERE patient_id = ? AND resource_id = ?"
        " AND device = ? ORDER BY version DESC";
    struct ward_rows rows;

    *out = NULL;
    WARD_TRY(ward_db_run(s->w->event_ctx.db, s->work, SQL,
                         WARD_PARAMS(ward_blob(v->patient, RECORDS_ID),
                                     ward_blob(v->id, RECORDS_ID), ward_text(s->from.device)),
                         &rows, err));
    for (size_t i = 0; i < rows.n && *out == NULL; i++) {
        struct version said;
        int64_t number;

        if (!ward_i64(rows.at[i][0].p, 1, INT32_MAX, &number))
            return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                    "a stored row is invalid");
        WARD_TRY(chart_version(s->w, s->work, v->patient, v->id, (int)number, &said, err));
        if (import_is_ours(s, &said)) /* the query compares `device` without case */
            WARD_TRY(chart_open(s->w, s->work, &said, out, err));
    }
    return WARD_OK;
}

/* ---- links ---- */

static bool has_link(const Patient *p, const Link *l)
{
    for (size_t i = 0; i < p->n_link; i++)
        if (p->link[i]->type == l->type && p->link[i]->other != NULL &&
            strcmp(p->link[i]->other->reference, l->other->reference) == 0)
            return true;
    return false;
}

static bool is_of_merge(const Link *l)
{
    return l->other != NULL &&
           (l->type == WARD__RECORDS__V1__PATIENT__LINK_TYPE__LINK_TYPE_REPLACED_BY ||
            l->type == WARD__RECORDS__V1__PATIENT__LINK_TYPE__LINK_TYPE_REPLACES);
}

enum ward_code import_keep_links(struct ward_arena *mem, const Resource *old, Resource *res,
                                 struct ward_err *err)
{
    const Patient *was = old->patient;
    Patient *p = res->patient;
    Link **all = ward_alloc(mem, (p->n_link + was->n_link + 1) * sizeof(Link *));

    if (all == NULL)
        return no_memory(err);
    if (p->n_link > 0)
        memcpy(all, p->link, p->n_link * sizeof(Link *));
    p->link = all;
    for (size_t i = 0; i < was->n_link; i++)
        if (is_of_merge(was->link[i]) && !has_link(p, was->link[i]))
            all[p->n_link++] = was->link[i];
    return WARD_OK;
}
