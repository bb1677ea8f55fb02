/* Counts of stored subjects: metrics, and a log message if a limit is exceeded. */
#include "services/identity/subject/counts.h"

#include "common/base/log.h"
#include "services/identity/identity_metrics.h"
#include "services/identity/subject/rows.h"

static enum ward_code by_kind(struct ward_db *db, struct ward_arena *mem, const char *sql,
                              int64_t out[3], struct ward_err *err)
{
    struct ward_rows rows;
    int64_t kind, n;

    WARD_TRY(ward_db_run(db, mem, sql, WARD_NO_PARAMS, &rows, err));
    for (size_t i = 0; i < rows.n; i++) {
        if (!row_number(rows.at[i][0], &kind) || !row_number(rows.at[i][1], &n) || kind < 1 ||
            kind > 2)
            return WARD_FAIL(err, DATA_LOSS, "a stored count is invalid");
        out[kind] = n;
    }
    return WARD_OK;
}

enum ward_code counts_read(struct ward_db *db, struct ward_arena *mem, struct counts *out,
                           struct ward_err *err)
{
    static const char SUBJECTS[] =
        "SELECT kind, COUNT(*) FROM subject WHERE erased_at_us IS NULL GROUP BY kind";
    static const char FACES[] =
        "SELECT s.kind, COUNT(*) FROM template t JOIN subject s ON s.subject_id = t.subject_id"
        " GROUP BY s.kind";
    struct counts c = {0};

    WARD_TRY(by_kind(db, mem, SUBJECTS, c.subjects, err));
    WARD_TRY(by_kind(db, mem, FACES, c.faces, err));
    *out = c;
    return WARD_OK;
}

enum ward_code counts_need_capture(struct ward_db *db, struct ward_arena *mem,
                                   const char *model_sha256, int64_t *n, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT COUNT(*) FROM face_key k WHERE"
        " EXISTS (SELECT 1 FROM template a WHERE a.subject_id = k.subject_id)"
        " AND NOT EXISTS (SELECT 1 FROM template b WHERE b.subject_id = k.subject_id"
        "   AND b.model_sha256 = ?)"
        " AND NOT EXISTS (SELECT 1 FROM sealed_photo p WHERE p.subject_id = k.subject_id)";
    struct ward_rows rows;
    int64_t found;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_text(model_sha256)), &rows, err));
    if (rows.n != 1 || !row_number(rows.at[0][0], &found))
        return WARD_FAIL(err, DATA_LOSS, "a stored count is invalid");
    *n = found;
    return WARD_OK;
}

static void set(struct ward_family *f, const int64_t n[3])
{
    ward_metric_set(ward_series_of(f, "patient", NULL, NULL), (double)n[SUBJECT_PATIENT]);
    ward_metric_set(ward_series_of(f, "staff", NULL, NULL), (double)n[SUBJECT_STAFF]);
}

bool counts_tell(const struct counts *c, int64_t limit, bool over)
{
    int64_t faces = c->faces[SUBJECT_PATIENT] + c->faces[SUBJECT_STAFF];
    bool now_over = limit > 0 && faces > limit;

    set(&identity_faces, c->faces);
    set(&identity_subjects, c->subjects);
    ward_gauge(&identity_faces_limit, (double)limit);
    ward_gauge(&identity_over_limit, now_over ? 1 : 0);
    if (now_over && !over)
        WARD_LOG(WARN, "more faces are stored than WARD_FACES_LIMIT", WARD_KN("faces", faces),
                 WARD_KN("limit", limit));
    else if (over && !now_over)
        WARD_LOG(INFO, "the number of stored faces is within WARD_FACES_LIMIT again",
                 WARD_KN("faces", faces), WARD_KN("limit", limit));
    return now_over;
}
