#include "services/identity/subject/duplicates.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "services/identity/subject/rows.h"

#include <math.h>
#include <string.h>

/* How often the enrolment of a new person may add a pair to the queue by chance. The figure was
 * chosen for the cost of a person's time, not measured. */
#define FALSE_PAIRS 1e-3

double duplicates_threshold(const struct calibration *cal, int64_t size)
{
    double fmr = -expm1(log1p(-FALSE_PAIRS) / (double)(size < 1 ? 1 : size));
    double most = cal->at[cal->n - 1].threshold, threshold = most;
    bool beyond = false;

    if (calibration_threshold(cal, fmr, &threshold, &beyond, NULL) != WARD_OK)
        return most;
    return fmin(threshold, most);
}

void duplicates_find(struct worker *w, struct ward_arena *mem, const struct ward_stop *stop,
                     const uint8_t subject[IDENTITY_ID], int kind, const float *v,
                     struct lookalikes *out)
{
    struct gallery_found found = {0};
    struct ward_err err = {0};
    enum ward_code code;

    *out = (struct lookalikes){0};
    code = gallery_search(w->id->gallery, w->db, kind == SUBJECT_STAFF ? "staff" : "patients",
                          0, v, WARD_COUNT(out->hit), subject, stop, mem, &found, &err);
    if (code == WARD_NOT_FOUND) /* the gallery is empty */
        code = WARD_OK;
    else if (code != WARD_OK && strcmp(err.reason, "GALLERY_LOADING") != 0)
        ward_log_err(WARD_LOG_WARN, "duplicates are searched for later", &err);
    out->searched = code == WARD_OK;
    out->threshold = duplicates_threshold(&w->id->now.calibration, found.size);
    for (int i = 0; i < found.n; i++)
        if (code == WARD_OK && found.hit[i].score >= out->threshold)
            out->hit[out->n++] = found.hit[i];
}

/* Queues one pair. Skips a subject who may no longer be searched for, and a pair that the other
 * subject's enrolment has already queued. Locks the other subject first, then reads that
 * subject's consents. */
static enum ward_code keep_one(struct ward_db *db, struct ward_arena *mem,
                               const uint8_t subject[IDENTITY_ID], const struct gallery_hit *h,
                               double threshold, int64_t at_us, struct ward_err *err)
{
    static const char HOLD[] =
        "SELECT kind FROM subject WHERE subject_id = ? LOCK IN SHARE MODE";
    static const char SQL[] =
        "INSERT INTO duplicate (duplicate_id, subject_id, other_subject_id, score, threshold,"
        " found_at_us)"
        " SELECT ?, ?, s.subject_id, ?, ?, ? FROM subject s"
        "  WHERE s.subject_id = ? AND EXISTS (SELECT 1 FROM consent_entry c"
        "   WHERE c.subject_id = s.subject_id AND c.purpose = ? AND c.withdrawn_at_us IS NULL)"
        "  AND NOT EXISTS"
        "   (SELECT 1 FROM duplicate d WHERE d.subject_id = ? AND d.other_subject_id = ?)"
        " ON DUPLICATE KEY UPDATE found_at_us = duplicate.found_at_us";
    uint8_t id[IDENTITY_ID];
    struct ward_rows other;
    int64_t kind = 0;

    WARD_TRY(ward_db_run(db, mem, HOLD, WARD_PARAMS(id_val(h->subject_id)), &other, err));
    if (other.n != 1 || !row_number(other.at[0][0], &kind))
        return WARD_OK; /* the other subject does not exist any more */
    ward_uuid7(id);
    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(id_val(id), id_val(subject), ward_num(mem, h->score),
                                   ward_num(mem, threshold), ward_int(mem, at_us),
                                   id_val(h->subject_id),
                                   ward_text(purpose_of_search((int)kind)),
                                   id_val(h->subject_id), id_val(subject)),
                       NULL, err);
}

enum ward_code duplicates_keep(struct ward_db *db, struct ward_arena *mem,
                               const uint8_t subject[IDENTITY_ID],
                               const struct lookalikes *found, int64_t at_us, int *n,
                               struct ward_err *err)
{
    static const char LATER[] = "INSERT INTO duplicate_search (subject_id, asked_us)"
                                " VALUES (?, ?) ON DUPLICATE KEY UPDATE asked_us = asked_us";

    *n = 0;
    if (!found->searched)
        return ward_db_run(db, mem, LATER, WARD_PARAMS(id_val(subject), ward_int(mem, at_us)),
                           NULL, err);
    for (int i = 0; i < found->n; i++)
        WARD_TRY(keep_one(db, mem, subject, &found->hit[i], found->threshold, at_us, err));
    *n = found->n;
    return WARD_OK;
}
