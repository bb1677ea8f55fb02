#include "services/dosage/store/owner.h"
#include "services/dosage/track/workaround.h"

#include <string.h>

#define REVIEWS_MOST 50 /* maximum findings with one `about` per day */

enum column { ID, REVIEWED, EVIDENCE, COUNTED, FIRST, LAST, OWN };

/* The id of the n-th finding of this `about`: after a review, a new finding begins. */
static void nth(const struct pattern *p, int n, uint8_t out[WARD_SHA256_SIZE])
{
    int32_t number = n;
    struct ward_bytes parts[] = {{p->about, sizeof(p->about)}, {&number, sizeof(number)}};

    ward_sha256_parts(parts, WARD_COUNT(parts), out);
}

static enum ward_code insert(struct ward_db *db, struct ward_arena *mem,
                             const struct pattern *same, size_t n,
                             const uint8_t about[WARD_SHA256_SIZE], struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO workaround (workaround_id, about, kind, ward, actor, place, evidence,"
        " counted, threshold, out_of, own, rule_id, first_at_us, last_at_us)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    const struct pattern p = pattern_joined(same, n);
    struct ward_val ids;
    uint8_t id[DOSAGE_ID];

    WARD_TRY(pattern_evidence(NULL, 0, same, n, mem, &ids, err));
    ward_uuid7(id);
    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(id_val(id), ward_blob(about, WARD_SHA256_SIZE),
                                   ward_int(mem, p.kind), ward_text(p.ward), ward_text(p.actor),
                                   ward_text(p.place), ids, ward_int(mem, p.count),
                                   ward_int(mem, p.threshold), ward_int(mem, p.out_of),
                                   ward_int(mem, p.own), ward_text(p.rule_id),
                                   ward_int(mem, p.first_us), ward_int(mem, p.last_us)),
                       NULL, err);
}

/* A finding about a share gets the current share; a finding about a burst gets the largest
 * burst. */
static enum ward_code grow(struct ward_db *db, struct ward_arena *mem,
                           const struct pattern *same, size_t n, const struct ward_val *row,
                           struct ward_err *err)
{
    static const char SQL[] =
        "UPDATE workaround SET evidence = ?, counted = ?, out_of = ?, own = ?, threshold = ?,"
        " first_at_us = LEAST(first_at_us, ?), last_at_us = GREATEST(last_at_us, ?)"
        " WHERE workaround_id = ?";
    const struct pattern p = pattern_joined(same, n);
    int64_t was = row_number(row[COUNTED]);
    bool more = p.out_of > 0 || p.count > was || p.own > row_number(row[OWN]);
    struct ward_val ids;

    if (p.last_us <= row_number(row[LAST]) && p.first_us >= row_number(row[FIRST]) && !more)
        return WARD_OK;
    WARD_TRY(pattern_evidence((const uint8_t(*)[DOSAGE_ID])row[EVIDENCE].p,
                              row[EVIDENCE].n / DOSAGE_ID, same, n, mem, &ids, err));
    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(ids, ward_int(mem, more ? p.count : was),
                                   ward_int(mem, p.out_of), ward_int(mem, p.own),
                                   ward_int(mem, p.threshold), ward_int(mem, p.first_us),
                                   ward_int(mem, p.last_us), row[ID]),
                       NULL, err);
}

enum ward_code workaround_keep(struct ward_db *db, struct ward_arena *mem,
                               const struct pattern *same, size_t n, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT workaround_id, reviewed_at_us, evidence, counted, first_at_us, last_at_us, own"
        " FROM workaround WHERE about = ? FOR UPDATE";

    for (int i = 0; i < REVIEWS_MOST; i++) {
        uint8_t about[WARD_SHA256_SIZE];
        struct ward_rows rows;

        nth(same, i, about);
        WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_blob(about, sizeof(about))), &rows,
                             err));
        if (rows.n == 0)
            return insert(db, mem, same, n, about, err);
        if (row_number(rows.at[0][REVIEWED]) == 0)
            return grow(db, mem, same, n, rows.at[0], err);
        for (; n > 0 && same->last_us <= row_number(rows.at[0][REVIEWED]); n--)
            same++; /* already reviewed */
        if (n == 0)
            return WARD_OK;
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
