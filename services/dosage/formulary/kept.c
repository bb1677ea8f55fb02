#include "services/dosage/formulary/kept.h"

#include "common/base/crypto.h"
#include "common/base/text.h"
#include "common/rpc/wire.h"
#include "services/dosage/api.h"
#include "services/dosage/store/owner.h"

#include <string.h>

static enum ward_code unreadable(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, DATA_LOSS, "DOSE_UNREADABLE",
                            "the row of a rule set was changed outside the service");
}

static enum ward_code unknown(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, NOT_FOUND, "RULE_SET_NOT_FOUND",
                            "no rule set has this version");
}

/* ---- infos ---- */

#define INFO                                                                                   \
    "SELECT version, state, title, notice, sha256, drugs, rules, drafted_by, drafted_at_us,"   \
    " replayed, replayed_at_us, approved_by, approved_at_us, activated_by, activated_at_us"    \
    " FROM rule_set WHERE version"

static char *hash_text(struct ward_arena *mem, struct ward_val sha256)
{
    char *out = ward_alloc(mem, 2 * WARD_SHA256_SIZE + 1);

    if (out != NULL)
        ward_hex(sha256.p, WARD_SHA256_SIZE, out);
    return out;
}

static enum ward_code info_of(struct ward_arena *mem, const struct ward_val *row,
                              RuleSetInfo **out, struct ward_err *err)
{
    RuleSetInfo *info = ward_new(mem, RuleSetInfo);

    if (row[4].n != WARD_SHA256_SIZE)
        return unreadable(err);
    if (info == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a rule set's row");
    ward__dosage__v1__rule_set_info__init(info);
    info->version = row_number(row[0]);
    info->state = (RuleSetState)row_number(row[1]);
    info->title = api_text(row[2].p);
    info->notice = api_text(row[3].p);
    info->sha256 = hash_text(mem, row[4]);
    info->drugs = (int32_t)row_number(row[5]);
    info->rules = (int32_t)row_number(row[6]);
    info->drafted_by = api_text(row[7].p);
    info->drafted_at_us = row_number(row[8]);
    info->replayed = row_number(row[9]);
    info->replayed_at_us = row_number(row[10]);
    info->approved_by = api_text(row[11].p);
    info->approved_at_us = row_number(row[12]);
    info->activated_by = api_text(row[13].p);
    info->activated_at_us = row_number(row[14]);
    if (info->sha256 == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a rule set's row");
    *out = info;
    return WARD_OK;
}

enum ward_code kept_info(struct ward_db *db, struct ward_arena *mem, int64_t version, bool lock,
                         RuleSetInfo **out, struct ward_err *err)
{
    static const char SQL[] = INFO " = ?";
    static const char LOCKED[] = INFO " = ? FOR UPDATE";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, lock ? LOCKED : SQL, WARD_PARAMS(ward_int(mem, version)),
                         &rows, err));
    return rows.n == 0 ? unknown(err) : info_of(mem, rows.at[0], out, err);
}

enum ward_code kept_list(struct ward_db *db, struct ward_arena *mem, int64_t before, int most,
                         RuleSetInfo ***out, size_t *n, struct ward_err *err)
{
    static const char SQL[] = INFO " < ? ORDER BY version DESC LIMIT ?";
    struct ward_rows rows;
    RuleSetInfo **list;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_int(mem, before), ward_int(mem, most)),
                         &rows, err));
    list = ward_alloc(mem, rows.n * sizeof(RuleSetInfo *));
    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the list");
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(info_of(mem, rows.at[i], &list[i], err));
    *out = list;
    *n = rows.n;
    return WARD_OK;
}

enum ward_code kept_active(struct ward_db *db, struct ward_arena *mem, int64_t *version,
                           struct ward_err *err)
{
    static const char SQL[] = "SELECT version FROM rule_set_active WHERE one = 1";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_NO_PARAMS, &rows, err));
    *version = rows.n == 0 ? 0 : row_number(rows.at[0][0]);
    return WARD_OK;
}

/* ---- content ---- */

enum ward_code kept_add(struct ward_db *db, struct ward_arena *mem, const RuleSet *set,
                        const struct ward_val *content, const char *by, int64_t at_us,
                        int64_t *version, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO rule_set (state, title, notice, sha256, drugs, rules, content, drafted_by,"
        " drafted_at_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    uint8_t sum[WARD_SHA256_SIZE];
    struct ward_rows rows;

    ward_sha256(content->p, content->n, sum);
    WARD_TRY(ward_db_run(db, mem, SQL,
                         WARD_PARAMS(ward_int(mem, STATE_OF(DRAFT)), ward_text(set->title),
                                     ward_text(set->notice), ward_blob(sum, sizeof(sum)),
                                     ward_int(mem, (int64_t)set->n_drugs),
                                     ward_int(mem, (int64_t)ruleset_rules(set)), *content,
                                     ward_text(by), ward_int(mem, at_us)),
                         &rows, err));
    *version = (int64_t)rows.last_id;
    return WARD_OK;
}

enum ward_code kept_content(struct ward_db *db, struct ward_arena *mem, int64_t version,
                            RuleSet **out, char sha256[65], struct ward_err *err)
{
    static const char SQL[] = "SELECT content, sha256 FROM rule_set WHERE version = ?";
    uint8_t sum[WARD_SHA256_SIZE];
    ProtobufCMessage *msg = NULL;
    struct ward_rows rows;
    const struct ward_val *row;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_int(mem, version)), &rows, err));
    if (rows.n == 0)
        return unknown(err);
    row = rows.at[0];
    ward_sha256(row[0].p, row[0].n, sum);
    if (row[1].n != sizeof(sum) || memcmp(row[1].p, sum, sizeof(sum)) != 0)
        return unreadable(err);
    WARD_TRY(ward_wire_decode(&ward__dosage__v1__rule_set__descriptor,
                              (const uint8_t *)row[0].p, row[0].n, mem, &msg, err));
    ward_hex(sum, sizeof(sum), sha256);
    *out = (RuleSet *)msg;
    (*out)->version = version;
    return WARD_OK;
}

/* ---- state transitions ---- */

enum ward_code kept_replayed(struct ward_db *db, struct ward_arena *mem, int64_t version,
                             int64_t replayed, int64_t at_us, struct ward_err *err)
{
    static const char SQL[] =
        "UPDATE rule_set SET replayed = ?, replayed_at_us = ? WHERE version = ?";

    return ward_db_run(
        db, mem, SQL,
        WARD_PARAMS(ward_int(mem, replayed), ward_int(mem, at_us), ward_int(mem, version)),
        NULL, err);
}

enum ward_code kept_decide(struct ward_db *db, struct ward_arena *mem, int64_t version,
                           RuleSetState state, const char *by, int64_t at_us,
                           struct ward_err *err)
{
    static const char SQL[] =
        "UPDATE rule_set SET state = ?, approved_by = ?, approved_at_us = ? WHERE version = ?";

    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(ward_int(mem, state), ward_text(by), ward_int(mem, at_us),
                                   ward_int(mem, version)),
                       NULL, err);
}

enum ward_code kept_activate(struct ward_db *db, struct ward_arena *mem, int64_t version,
                             const char *by, int64_t at_us, struct ward_err *err)
{
    static const char POINT[] = "INSERT INTO rule_set_active (one, version) VALUES (1, ?)"
                                " ON DUPLICATE KEY UPDATE version = VALUES(version)";
    static const char RETIRE[] =
        "UPDATE rule_set SET state = ? WHERE state = ? AND version <> ?";
    static const char SQL[] = "UPDATE rule_set SET state = ?, activated_by = ?, "
                              "activated_at_us = ? WHERE version = ?";

    /* Locks the single row of rule_set_active first: a concurrent activation waits for this
     * lock or is retried. */
    WARD_TRY(ward_db_run(db, mem, POINT, WARD_PARAMS(ward_int(mem, version)), NULL, err));
    WARD_TRY(ward_db_run(db, mem, RETIRE,
                         WARD_PARAMS(ward_int(mem, STATE_OF(RETIRED)),
                                     ward_int(mem, STATE_OF(ACTIVE)), ward_int(mem, version)),
                         NULL, err));
    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(ward_int(mem, STATE_OF(ACTIVE)), ward_text(by),
                                   ward_int(mem, at_us), ward_int(mem, version)),
                       NULL, err);
}
