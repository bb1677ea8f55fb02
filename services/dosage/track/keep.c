#include "services/dosage/store/owner.h"
#include "services/dosage/track/workaround.h"

#include <string.h>

#define REVIEWS_MOST 50 /* of one `about`: so often is the same found again in a day */

enum column { ID, REVIEWED, EVIDENCE, COUNTED, FIRST, LAST };

/* The n-th of the same: what comes after a review is another. */
static void nth(const struct pattern *p, int n, uint8_t out[WARD_SHA256_SIZE])
{
    int32_t number = n;
    struct ward_bytes parts[] = {{p->about, sizeof(p->about)}, {&number, sizeof(number)}};

    ward_sha256_parts(parts, WARD_COUNT(parts), out);
}

static enum ward_code insert(struct ward_db *db, struct ward_arena *mem,
                             const struct pattern *p, const uint8_t about[WARD_SHA256_SIZE],
                             struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO workaround (workaround_id, about, kind, ward, actor, place, evidence,"
        " counted, threshold, out_of, rule_id, first_at_us, last_at_us)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    uint8_t id[DOSAGE_ID];

    ward_uuid7(id);
    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(id_val(id), ward_blob(about, WARD_SHA256_SIZE),
                                   ward_int(mem, p->kind), ward_text(p->ward),
                                   ward_text(p->actor), ward_text(p->place),
                                   ward_blob(p->evidence, p->n_evidence * DOSAGE_ID),
                                   ward_int(mem, p->count), ward_int(mem, p->threshold),
                                   ward_int(mem, p->out_of), ward_text(p->rule_id),
                                   ward_int(mem, p->first_us), ward_int(mem, p->last_us)),
                       NULL, err);
}

static bool among(const uint8_t (*ids)[DOSAGE_ID], size_t n, const uint8_t id[DOSAGE_ID])
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(ids[i], id, DOSAGE_ID) == 0)
            return true;
    return false;
}

/* What it rested on before, and what is new. */
static enum ward_code both(struct ward_arena *mem, struct ward_val was, const struct pattern *p,
                           struct ward_val *out, struct ward_err *err)
{
    size_t n = was.n / DOSAGE_ID;
    uint8_t(*ids)[DOSAGE_ID] = ward_alloc(mem, (n + p->n_evidence + 1) * DOSAGE_ID);

    if (ids == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the evidence");
    memcpy(ids, was.p, n * DOSAGE_ID);
    for (size_t i = 0; i < p->n_evidence && n < PATTERN_EVIDENCE; i++)
        if (!among((const uint8_t(*)[DOSAGE_ID])ids, n, p->evidence[i]))
            memcpy(ids[n++], p->evidence[i], DOSAGE_ID);
    *out = ward_blob(ids, n * DOSAGE_ID);
    return WARD_OK;
}

/* A share goes by what it is now; a burst by the largest. */
static enum ward_code grow(struct ward_db *db, struct ward_arena *mem, const struct pattern *p,
                           const struct ward_val *row, struct ward_err *err)
{
    static const char SQL[] =
        "UPDATE workaround SET evidence = ?, counted = ?, out_of = ?, threshold = ?,"
        " first_at_us = LEAST(first_at_us, ?), last_at_us = GREATEST(last_at_us, ?)"
        " WHERE workaround_id = ?";
    int64_t was = row_number(row[COUNTED]);
    bool more = p->out_of > 0 || p->count > was;
    struct ward_val ids;

    if (p->last_us <= row_number(row[LAST]) && p->first_us >= row_number(row[FIRST]) && !more)
        return WARD_OK;
    WARD_TRY(both(mem, row[EVIDENCE], p, &ids, err));
    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(ids, ward_int(mem, more ? p->count : was),
                                   ward_int(mem, p->out_of), ward_int(mem, p->threshold),
                                   ward_int(mem, p->first_us), ward_int(mem, p->last_us),
                                   row[ID]),
                       NULL, err);
}

enum ward_code workaround_keep(struct ward_db *db, struct ward_arena *mem,
                               const struct pattern *p, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT workaround_id, reviewed_at_us, evidence, counted, first_at_us, last_at_us"
        " FROM workaround WHERE about = ? FOR UPDATE";

    for (int n = 0; n < REVIEWS_MOST; n++) {
        uint8_t about[WARD_SHA256_SIZE];
        struct ward_rows rows;

        nth(p, n, about);
        WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_blob(about, sizeof(about))), &rows,
                             err));
        if (rows.n == 0)
            return insert(db, mem, p, about, err);
        if (row_number(rows.at[0][REVIEWED]) == 0)
            return grow(db, mem, p, rows.at[0], err);
        if (p->last_us <= row_number(rows.at[0][REVIEWED]))
            return WARD_OK; /* judged already */
    }
    return WARD_OK;
}

enum ward_code watch_looked(struct ward_db *db, struct ward_arena *mem, int64_t *to_us,
                            struct ward_err *err)
{
    static const char SQL[] = "SELECT looked_to_us FROM watch_position WHERE one = 1";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_NO_PARAMS, &rows, err));
    *to_us = rows.n == 0 ? 0 : row_number(rows.at[0][0]);
    return WARD_OK;
}

enum ward_code watch_keep_looked(struct ward_db *db, struct ward_arena *mem, int64_t to_us,
                                 struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO watch_position (one, looked_to_us) VALUES (1, ?) ON DUPLICATE KEY"
        " UPDATE looked_to_us = GREATEST(looked_to_us, VALUES(looked_to_us))";

    return ward_db_run(db, mem, SQL, WARD_PARAMS(ward_int(mem, to_us)), NULL, err);
}
