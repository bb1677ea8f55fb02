/* Checks resources that a version names. These resources must be in the version's chart, and
 * the writer must be permitted to name an attachment. A reference of the previous version may
 * stay, even if an unmerge moved the referenced resource to another chart. */
#include "services/records/store/attachment.h"
#include "services/records/store/chart_own.h"

#include <stdio.h>
#include <string.h>

/* Checks that the encounter is in the same chart. */
static enum ward_code encounter_is_theirs(struct worker *w, struct ward_arena *mem,
                                          const struct item *it, struct ward_val before,
                                          struct ward_err *err)
{
    static const char SQL[] =
        "SELECT p.root_id = ? FROM resource r JOIN patient p ON p.patient_id = r.patient_id"
        " WHERE r.resource_id = ? AND r.kind = ?";
    struct ward_rows rows;

    if (!it->f.has_encounter || it->what->by_import)
        return WARD_OK;
    if (before.n == RECORDS_ID && memcmp(before.p, it->f.encounter, RECORDS_ID) == 0)
        return WARD_OK;
    WARD_TRY(ward_db_run(
        w->event_ctx.db, mem, SQL,
        WARD_PARAMS(id_val(it->p.root), id_val(it->f.encounter), ward_int(mem, KIND_ENCOUNTER)),
        &rows, err));
    if (rows.n == 1 && *rows.at[0][0].p == '1')
        return WARD_OK;
    WARD_FAIL_REASON(err, NOT_FOUND, "RESOURCE_NOT_FOUND", "no such encounter of this patient");
    if (err != NULL)
        snprintf(err->field, sizeof(err->field), "%s.encounter.reference",
                 kind_name(it->f.kind));
    return WARD_NOT_FOUND;
}

/* Whether an earlier version of the resource named the attachment: the earlier version's token
 * stays (put.c). */
static enum ward_code named_before(struct worker *w, struct ward_arena *mem,
                                   const struct item *it, const uint8_t named[TOKEN_HASH],
                                   bool *is, struct ward_err *err)
{
    static const char SQL[] = "SELECT 1 FROM token WHERE patient_id = ? AND param = ?"
                              " AND hash = ? AND resource_id = ? LIMIT 1";
    struct ward_rows rows;

    *is = false;
    if (it->what->expected_version == 0)
        return WARD_OK;
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL,
                         WARD_PARAMS(id_val(it->p.id), ward_int(mem, PARAM_ATTACHMENT),
                                     ward_blob(named, TOKEN_HASH), id_val(it->id)),
                         &rows, err));
    *is = rows.n > 0;
    return WARD_OK;
}

/* Whether the chart has the attachment and the caller sent it. A NULL view accepts any
 * sender. */
static enum ward_code was_put(struct worker *w, struct ward_arena *mem, const struct view *view,
                              const struct item *it, const uint8_t sha256[WARD_SHA256_SIZE],
                              bool *is, struct ward_err *err)
{
    static const char ANY[] =
        "SELECT 1 FROM patient p JOIN attachment a ON a.patient_id = p.patient_id"
        " WHERE p.root_id = ? AND a.sha256 = ? LIMIT 1";
    static const char MINE[] =
        "SELECT 1 FROM patient p JOIN attachment_put a ON a.patient_id = p.patient_id"
        " WHERE p.root_id = ? AND a.sha256 = ? AND a.actor = ? LIMIT 1";
    const struct ward_val params[] = {id_val(it->p.root), ward_blob(sha256, WARD_SHA256_SIZE),
                                      ward_text(view == NULL ? NULL : view->actor)};
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, view == NULL ? ANY : MINE, params,
                         view == NULL ? 2 : 3, &rows, err));
    *is = rows.n > 0;
    return WARD_OK;
}

/* Readers of a resource may read the attachments that it names. Naming an attachment therefore
 * requires access to the attachment. The error does not reveal the reason. */
static enum ward_code may_name(struct worker *w, struct ward_arena *mem,
                               const struct view *view, const struct item *it,
                               const uint8_t sha256[WARD_SHA256_SIZE], struct ward_err *err)
{
    uint8_t named[TOKEN_HASH];
    bool is = false;

    WARD_TRY(was_put(w, mem, view, it, sha256, &is, err));
    if (is)
        return WARD_OK;
    WARD_TRY(attachment_hash(w, sha256, named, err));
    WARD_TRY(named_before(w, mem, it, named, &is, err));
    if (!is && view != NULL)
        WARD_TRY(attachment_seen(w, mem, view, it->p.id, named, &is, err));
    if (is)
        return WARD_OK;
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ATTACHMENT_UNKNOWN",
                            "the caller did not store this attachment for this patient and may "
                            "read no resource that names it");
}

enum ward_code names_what_is_there(struct worker *w, struct ward_arena *mem,
                                   const struct view *view, const struct item *it,
                                   struct ward_val encounter, struct ward_err *err)
{
    WARD_TRY(encounter_is_theirs(w, mem, it, encounter, err));
    for (size_t i = 0; i < it->f.n_attachments; i++)
        WARD_TRY(may_name(w, mem, view, it, it->f.attachment[i], err));
    return WARD_OK;
}
