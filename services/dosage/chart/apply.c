#include "services/dosage/admin/erase.h"
#include "services/dosage/chart/chart_own.h"
#include "services/dosage/store/owner.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"

#include <stdio.h>
#include <string.h>

#define SAVE_NS (1000 * WARD_NS_PER_MS)
#define AT_ONCE 5000 /* maximum number of merges in one read */

typedef Ward__Records__V1__Change Change;
typedef Ward__Records__V1__FollowResponse Message;

#define ACT(name) WARD__RECORDS__V1__ACT__ACT_##name

bool feed_is_merge(const Change *c)
{
    return c->act == ACT(MERGED) || c->act == ACT(UNMERGED);
}

static bool is_written(const Change *c)
{
    return feed_is_merge(c) || c->act == ACT(ERASED);
}

/* ---- the feed position ---- */

static enum ward_code load_merges(struct charts *ch, struct ward_db *db, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT from_id, into_id FROM patient_merge WHERE from_id > ? ORDER BY from_id LIMIT ?";
    uint8_t after[DOSAGE_ID] = {0};
    struct ward_rows rows;

    do {
        ward_arena_reset(&ch->mem);
        WARD_TRY(ward_db_run(db, &ch->mem, SQL,
                             WARD_PARAMS(id_val(after), ward_int(&ch->mem, AT_ONCE)), &rows,
                             err));
        for (size_t i = 0; i < rows.n; i++) {
            memcpy(after, rows.at[i][0].p, DOSAGE_ID);
            merges_set(ch->merges, after, (const uint8_t *)rows.at[i][1].p);
        }
    } while (rows.n == AT_ONCE);
    return WARD_OK;
}

/* The first replica deletes the position. Other replicas no longer find the position and change
 * nothing. */
static enum ward_code reset(struct charts *ch, struct ward_db *db, struct ward_val token,
                            struct ward_err *err)
{
    static const char POSITION[] = "DELETE FROM feed_position WHERE one = 1 AND token = ?";
    static const char MERGES[] = "DELETE FROM patient_merge";
    static const char ROOTS[] =
        "UPDATE patient SET root_id = patient_id WHERE root_id <> patient_id";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, &ch->mem, POSITION, WARD_PARAMS(token), &rows, err));
    if (rows.affected != 1)
        return WARD_OK;
    WARD_TRY(ward_db_run(db, &ch->mem, MERGES, WARD_NO_PARAMS, NULL, err));
    return ward_db_run(db, &ch->mem, ROOTS, WARD_NO_PARAMS, NULL, err);
}

/* The position stays locked while the merges are read, so that position and merges are
 * consistent. A damaged position cannot be sent to records, so the feed is read from the
 * beginning. */
static enum ward_code load_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    static const char SQL[] = "SELECT token FROM feed_position WHERE one = 1 FOR UPDATE";
    struct charts *ch = arg;
    struct ward_rows rows;

    *ch->token = '\0';
    WARD_TRY(ward_db_run(db, &ch->mem, SQL, WARD_NO_PARAMS, &rows, err));
    if (rows.n == 1 && rows.at[0][0].n <= FEED_TOKEN &&
        memchr(rows.at[0][0].p, '\0', rows.at[0][0].n) == NULL)
        snprintf(ch->token, sizeof(ch->token), "%s", rows.at[0][0].p);
    else if (rows.n == 1)
        WARD_TRY(reset(ch, db, ward_blob(rows.at[0][0].p, rows.at[0][0].n), err));
    return load_merges(ch, db, err);
}

enum ward_code feed_load(struct charts *ch, struct ward_err *err)
{
    ward_arena_reset(&ch->mem);
    merges_clear(ch->merges);
    return ward_db_tx(ch->w.event_ctx.db, load_in_tx, ch, err);
}

static enum ward_code reset_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct charts *ch = arg;

    return reset(ch, db, ward_text(ch->token), err);
}

enum ward_code feed_reset(struct charts *ch, struct ward_err *err)
{
    ward_arena_reset(&ch->mem);
    ward_db_deadline(ch->w.event_ctx.db, WARD_NO_DEADLINE);
    return ward_db_tx(ch->w.event_ctx.db, reset_in_tx, ch, err);
}

/* ---- merges ---- */

struct applying {
    struct charts *ch;
    const Message *msg;
};

/* Ensures a row and a key for a patient. An erased patient has only a row. */
static enum ward_code known(struct charts *ch, const uint8_t id[DOSAGE_ID],
                            struct ward_err *err)
{
    struct ward_err why = {0};
    struct owner o;
    enum ward_code code = owner_ensure(&ch->w, &ch->mem, id, &o, &why);

    if (code == WARD_OK) {
        owner_wipe(&o);
        return WARD_OK;
    }
    if (strcmp(why.reason, "PATIENT_ERASED") == 0)
        return WARD_OK;
    *err = why;
    return code;
}

static enum ward_code into_of(struct charts *ch, const uint8_t from[DOSAGE_ID],
                              const uint8_t into[DOSAGE_ID], bool *out, struct ward_err *err)
{
    static const char SQL[] = "SELECT 1 FROM patient_merge WHERE from_id = ? AND into_id = ?";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(ch->w.event_ctx.db, &ch->mem, SQL,
                         WARD_PARAMS(id_val(from), id_val(into)), &rows, err));
    *out = rows.n == 1;
    return WARD_OK;
}

/* Sets this root for `top` and for all patients who are currently merged into `top`, directly
 * or indirectly. */
static enum ward_code point(struct charts *ch, const uint8_t top[DOSAGE_ID],
                            const uint8_t root[DOSAGE_ID], struct ward_err *err)
{
    static const char BELOW[] =
        "WITH RECURSIVE gone (id) AS (SELECT CAST(? AS BINARY(16)) UNION SELECT m.from_id"
        " FROM gone JOIN patient_merge m ON m.into_id = gone.id)"
        " SELECT id FROM gone ORDER BY id";
    static const char MOVE[] = "UPDATE patient SET root_id = ? WHERE patient_id = ?";
    struct ward_rows rows;
    struct ward_val *values;

    WARD_TRY(
        ward_db_run(ch->w.event_ctx.db, &ch->mem, BELOW, WARD_PARAMS(id_val(top)), &rows, err));
    values = ward_alloc(&ch->mem, rows.n * 2 * sizeof(*values));
    if (values == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the patients");
    for (size_t i = 0; i < rows.n; i++) {
        values[2 * i] = id_val(root);
        values[2 * i + 1] = rows.at[i][0];
    }
    return ward_db_bulk(ch->w.event_ctx.db, MOVE, values, 2, rows.n, err);
}

static enum ward_code merge(struct charts *ch, const uint8_t into[DOSAGE_ID],
                            const uint8_t from[DOSAGE_ID], struct ward_err *err)
{
    static const char PUT[] = "INSERT INTO patient_merge (from_id, into_id) VALUES (?, ?)"
                              " ON DUPLICATE KEY UPDATE into_id = VALUES(into_id)";
    static const char ROOT[] = "SELECT root_id FROM patient WHERE patient_id = ?";
    struct ward_rows rows;
    bool second = false;

    WARD_TRY(into_of(ch, into, from, &second, err));
    if (second)
        return WARD_OK;
    WARD_TRY(known(ch, into, err));
    WARD_TRY(known(ch, from, err));
    WARD_TRY(ward_db_run(ch->w.event_ctx.db, &ch->mem, PUT,
                         WARD_PARAMS(id_val(from), id_val(into)), NULL, err));
    WARD_TRY(
        ward_db_run(ch->w.event_ctx.db, &ch->mem, ROOT, WARD_PARAMS(id_val(into)), &rows, err));
    if (rows.n != 1 || rows.at[0][0].n != DOSAGE_ID)
        return WARD_FAIL(err, INTERNAL,
                         "the row of a patient that was just created is missing");
    return point(ch, from, (const uint8_t *)rows.at[0][0].p, err);
}

static enum ward_code unmerge(struct charts *ch, const uint8_t into[DOSAGE_ID],
                              const uint8_t from[DOSAGE_ID], struct ward_err *err)
{
    static const char TAKE[] = "DELETE FROM patient_merge WHERE from_id = ? AND into_id = ?";
    bool merged = false;

    WARD_TRY(into_of(ch, from, into, &merged, err));
    if (!merged)
        return WARD_OK;
    WARD_TRY(ward_db_run(ch->w.event_ctx.db, &ch->mem, TAKE,
                         WARD_PARAMS(id_val(from), id_val(into)), NULL, err));
    return point(ch, from, from, err);
}

/* ---- erasures ---- */

static enum ward_code erase(struct charts *ch, const Change *c, const uint8_t id[DOSAGE_ID],
                            struct ward_err *err)
{
    static const struct ward_method_info WHAT = {
        .path = "/ward.dosage.v1.DosageAdmin/ErasePatient"};
    struct erased sum = {0};
    struct ward_call own;
    struct ward_event event;

    WARD_TRY(erase_patient(&ch->w, &ch->mem, id, ward_wall_us(), &sum, err));
    if (!sum.now)
        return WARD_OK;
    ward_event_by_service(&event, &own, &ch->w.event_ctx, &ch->mem, &WHAT, c->patient_id);
    ward_event_note(&event, "by", "records' feed");
    ward_event_note_int(&event, "orders", sum.orders);
    ward_event_note_int(&event, "administrations", sum.administrations);
    ward_event_note_int(&event, "decisions", sum.decisions);
    return ward_event_write(&event, ch->w.event_ctx.db, err);
}

/* ---- one feed message ---- */

static enum ward_code apply(struct charts *ch, const Change *c, struct ward_err *err)
{
    uint8_t id[DOSAGE_ID], other[DOSAGE_ID];

    if (!ward_uuid_parse(c->patient_id, id))
        return WARD_FAIL(err, INTERNAL, "records' feed has an invalid patient id");
    if (c->act == ACT(ERASED))
        return erase(ch, c, id, err);
    if (!ward_uuid_parse(c->other_patient_id, other))
        return WARD_FAIL(err, INTERNAL, "records' feed has an invalid patient id");
    if (c->act == ACT(MERGED))
        return merge(ch, id, other, err);
    WARD_TRY(unmerge(ch, id, other, err));
    return unmerge(ch, other, id, err);
}

/* Locks the position. *stored: 0 if there is no position. */
static enum ward_code hold(struct charts *ch, int64_t *stored, struct ward_err *err)
{
    static const char MAKE[] =
        "INSERT IGNORE INTO feed_position (one, token, sequence) VALUES (1, '', 0)";
    static const char SQL[] = "SELECT sequence FROM feed_position WHERE one = 1 FOR UPDATE";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(ch->w.event_ctx.db, &ch->mem, MAKE, WARD_NO_PARAMS, NULL, err));
    WARD_TRY(ward_db_run(ch->w.event_ctx.db, &ch->mem, SQL, WARD_NO_PARAMS, &rows, err));
    *stored = rows.n == 1 ? row_number(rows.at[0][0]) : 0;
    return WARD_OK;
}

static int64_t last_of(const Message *m)
{
    return m->n_changes == 0 ? 0 : (int64_t)m->changes[m->n_changes - 1]->sequence;
}

static enum ward_code save(struct charts *ch, const Message *m, struct ward_err *err)
{
    static const char SQL[] =
        "UPDATE feed_position SET token = ?, sequence = ? WHERE one = 1 AND sequence < ?";
    struct ward_val last = ward_int(&ch->mem, last_of(m));

    return ward_db_run(ch->w.event_ctx.db, &ch->mem, SQL,
                       WARD_PARAMS(ward_text(m->resume_token), last, last), NULL, err);
}

static enum ward_code apply_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct applying *a = arg;
    int64_t stored;

    (void)db;
    WARD_TRY(hold(a->ch, &stored, err));
    for (size_t i = 0; i < a->msg->n_changes; i++)
        if (is_written(a->msg->changes[i]) && (int64_t)a->msg->changes[i]->sequence > stored)
            WARD_TRY(apply(a->ch, a->msg->changes[i], err));
    return save(a->ch, a->msg, err);
}

enum ward_code feed_apply(struct charts *ch, const Message *msg, struct ward_err *err)
{
    struct applying a = {.ch = ch, .msg = msg};
    int64_t now = ward_mono_ns();
    bool due = now - ch->saved_ns >= SAVE_NS;

    if (msg->n_changes == 0 || strlen(msg->resume_token) > FEED_TOKEN)
        return WARD_OK;
    for (size_t i = 0; i < msg->n_changes && !due; i++)
        due = is_written(msg->changes[i]);
    if (!due)
        return WARD_OK;
    ward_db_deadline(ch->w.event_ctx.db, WARD_NO_DEADLINE);
    WARD_TRY(ward_db_tx(ch->w.event_ctx.db, apply_in_tx, &a, err));
    ch->saved_ns = now;
    return WARD_OK;
}
