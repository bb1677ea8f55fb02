#include "services/dosage/track/presence.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "services/dosage/store/owner.h"

#include <stdatomic.h>
#include <string.h>

#define MINUTE_US INT64_C(60000000)
#define HOUR_US   (60 * MINUTE_US)
#define DAY_US    (24 * HOUR_US)
#define KEPT_US   (14 * DAY_US)
#define FORGET    "10000" /* rows deleted by one statement */

#define PLACES 4096

/* Hashes of subject and time of the last writes. Two subjects that share a place cause
 * additional writes. */
struct presence {
    struct ward_arena keep;
    _Atomic uint64_t place[PLACES];
};

enum ward_code presence_open(struct presence **out, struct ward_err *err)
{
    struct ward_arena keep;
    struct presence *p;

    ward_arena_init(&keep, sizeof(*p) + 64);
    p = ward_new(&keep, struct presence);
    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the presence of people");
    p->keep = keep;
    *out = p;
    return WARD_OK;
}

void presence_close(struct presence *p)
{
    struct ward_arena keep;

    if (p == NULL)
        return;
    keep = p->keep;
    ward_arena_done(&keep);
}

/* ---- writing ---- */

struct seen {
    _Atomic uint64_t *place;
    uint64_t is;
};

/* The place in the array does not depend on the time, so that the next minute replaces this
 * minute. */
static bool is_new(struct presence *p, const char *what, int64_t when, struct seen *out)
{
    const struct ward_bytes parts[] = {{what, strlen(what)}, {&when, sizeof(when)}};
    uint8_t at[WARD_SHA256_SIZE], is[WARD_SHA256_SIZE];

    ward_sha256(what, strlen(what), at);
    ward_sha256_parts(parts, WARD_COUNT(parts), is);
    memcpy(&out->is, is, sizeof(out->is));
    out->place = &p->place[(at[0] | at[1] << 8) % PLACES];
    return atomic_exchange_explicit(out->place, out->is, memory_order_relaxed) != out->is;
}

static void undo(const struct seen *s)
{
    atomic_store_explicit(s->place, 0, memory_order_relaxed);
}

static void note_ward(struct ward_call *c, struct presence *p, const char *ward, int64_t now_us)
{
    static const char SQL[] = "INSERT IGNORE INTO ward_answered (minute, ward) VALUES (?, ?)";
    struct worker *w = c->wrk;
    struct ward_err why = {0};
    struct seen s;

    if (is_new(p, ward, now_us / MINUTE_US, &s) &&
        ward_db_run(w->event_ctx.db, c->mem, SQL,
                    WARD_PARAMS(ward_int(c->mem, now_us / MINUTE_US), ward_text(ward)), NULL,
                    &why) != WARD_OK)
        undo(&s);
}

static void note_person(struct ward_call *c, struct presence *p,
                        const struct ward_principal *who, int64_t now_us)
{
    static const char SQL[] =
        "INSERT INTO person_seen (person, gives, witnesses, prescribes, at_us)"
        " VALUES (?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE gives = VALUES(gives),"
        " witnesses = VALUES(witnesses), prescribes = VALUES(prescribes),"
        " at_us = VALUES(at_us)";
    bool prescribes = ward_principal_has(who, "physician");
    bool gives = prescribes || ward_principal_has(who, "nurse");
    bool witnesses = gives || ward_principal_has(who, "pharmacist");
    struct worker *w = c->wrk;
    struct ward_err why = {0};
    char person[RULE_PERSON];
    char *what;
    struct seen s;

    if (!witnesses)
        return;
    rule_person(who->subject, person);
    what = ward_printf(c->mem, "%s %d %d %d", person, gives, witnesses, prescribes);
    if (what != NULL && is_new(p, what, now_us / DAY_US, &s) &&
        ward_db_run(w->event_ctx.db, c->mem, SQL,
                    WARD_PARAMS(ward_text(person), ward_int(c->mem, gives),
                                ward_int(c->mem, witnesses), ward_int(c->mem, prescribes),
                                ward_int(c->mem, now_us - now_us % DAY_US)),
                    NULL, &why) != WARD_OK)
        undo(&s);
}

void presence_note(struct ward_call *c, const struct ward_principal *who)
{
    struct presence *p = ((struct worker *)c->wrk)->dos->presence;
    int64_t now_us = ward_wall_us();

    if (p == NULL || who == NULL)
        return;
    note_person(c, p, who, now_us);
    if (who == c->who && ward_principal_has(who, "nurse") && rule_is_ward(who->ward))
        note_ward(c, p, who->ward, now_us);
}

/* ---- reading ---- */

enum ward_code presence_knows(struct worker *w, struct ward_arena *mem, const char *subject,
                              bool *gives, bool *witnesses, struct ward_err *err)
{
    static const char SQL[] = "SELECT gives, witnesses FROM person_seen WHERE person = ?";
    char person[RULE_PERSON];
    struct ward_rows rows;

    rule_person(subject, person);
    WARD_TRY(
        ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(ward_text(person)), &rows, err));
    *gives = rows.n == 1 && row_number(rows.at[0][0]) != 0;
    *witnesses = rows.n == 1 && row_number(rows.at[0][1]) != 0;
    return WARD_OK;
}

enum ward_code presence_prescribes(struct worker *w, struct ward_arena *mem,
                                   const char *subject, bool *yes, struct ward_err *err)
{
    static const char SQL[] = "SELECT 1 FROM person_seen WHERE person = ? AND prescribes";
    char person[RULE_PERSON];
    struct ward_rows rows;

    rule_person(subject, person);
    WARD_TRY(
        ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(ward_text(person)), &rows, err));
    *yes = rows.n == 1;
    return WARD_OK;
}

enum ward_code presence_answered(struct worker *w, struct ward_arena *mem, const char *ward,
                                 int64_t at_us, bool *answered, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT CAST(SUM(minute = ?) AS INTEGER), CAST(SUM(minute < ?) AS INTEGER),"
        " CAST(SUM(minute > ?) AS INTEGER) FROM ward_answered"
        " WHERE minute BETWEEN ? AND ? AND ward = ?";
    int64_t minute = at_us / MINUTE_US;
    struct ward_val at = ward_int(mem, minute);
    const struct ward_val *row;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL,
                         WARD_PARAMS(at, at, at, ward_int(mem, minute - PRESENCE_AROUND),
                                     ward_int(mem, minute + PRESENCE_AROUND), ward_text(ward)),
                         &rows, err));
    if (rows.n != 1)
        return WARD_FAIL(err, DATA_LOSS, "a sum has no row");
    row = rows.at[0];
    *answered = row_number(row[0]) > 0 || (row_number(row[1]) > 0 && row_number(row[2]) > 0);
    return WARD_OK;
}

enum ward_code presence_forget(struct ward_db *db, struct ward_arena *mem, int64_t now_us,
                               struct ward_err *err)
{
    static const char MINUTES[] = "DELETE FROM ward_answered WHERE minute < ? LIMIT " FORGET;
    static const char ACKNOWLEDGED[] = "DELETE FROM acknowledged WHERE at_us < ? LIMIT " FORGET;
    static const char TOKENS[] = "DELETE FROM second_person_used WHERE at_us < ? LIMIT " FORGET;

    WARD_TRY(ward_db_run(db, mem, MINUTES,
                         WARD_PARAMS(ward_int(mem, (now_us - KEPT_US) / MINUTE_US)), NULL,
                         err));
    WARD_TRY(ward_db_run(db, mem, ACKNOWLEDGED, WARD_PARAMS(ward_int(mem, now_us - 2 * DAY_US)),
                         NULL, err));
    return ward_db_run(db, mem, TOKENS, WARD_PARAMS(ward_int(mem, now_us - HOUR_US)), NULL,
                       err);
}
