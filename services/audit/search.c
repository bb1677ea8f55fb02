/* Finds events, newest first, one page at a time, with the most selective index. */
#include "common/base/text.h"
#include "services/audit/audit.h"

#include <string.h>

#define COLUMNS                                                                                \
    "SELECT e.idx, e.leaf, e.content, k.subject, k.wrapped, e.occurred_at_us FROM entry e "
#define JOINED   " LEFT JOIN content_key k ON k.id = e.key_id WHERE "
#define MAYBE(c) " AND (? IS NULL OR e." c " = ?)"
/* The position after the previous page: a range on the index's second column, then the entry
 * index for equal times. */
#define REST                                                                                   \
    " e.occurred_at_us >= ? AND e.occurred_at_us < ? AND e.occurred_at_us <= ?"                \
    " AND (e.occurred_at_us < ? OR e.idx < ?)" MAYBE("patient") MAYBE("actor") MAYBE("action") \
        MAYBE("outcome")                                                                       \
            MAYBE("service") " ORDER BY e.occurred_at_us DESC, e.idx DESC LIMIT ?"
#define BY(index, column) COLUMNS "FORCE INDEX (" index ")" JOINED "e." column " = ? AND" REST

/* One string literal for each index, because the literal's address identifies the prepared
 * statement. */
static const char BY_PATIENT[] = BY("by_patient", "patient");
static const char BY_ACTOR[] = BY("by_actor", "actor");
static const char BY_ACTION[] = BY("by_action", "action");
static const char BY_OUTCOME[] = BY("by_outcome", "outcome");
static const char BY_TIME[] = COLUMNS "FORCE INDEX (by_time)" JOINED REST;

struct asked {
    struct ward_val v[20];
    size_t n;
};

static void ask(struct asked *a, struct ward_val v)
{
    WARD_ASSERT(a->n < WARD_COUNT(a->v));
    a->v[a->n++] = v;
}

static void ask_maybe(struct asked *a, struct ward_val v)
{
    ask(a, v);
    ask(a, v);
}

static struct ward_val hashed(const struct audit_vault *v, struct ward_arena *mem,
                              const char *kind, const char *text)
{
    uint8_t *h = *text == '\0' ? NULL : ward_alloc(mem, AUDIT_SEARCH);

    if (h == NULL)
        return ward_text(NULL);
    vault_search(v, kind, text, h);
    return ward_blob(h, AUDIT_SEARCH);
}

static const char *choose(const struct ward_val *patient, const struct ward_val *actor,
                          const struct ward_val *action, const struct ward_val *outcome,
                          const struct ward_val **by)
{
    *by = patient->p != NULL   ? patient
          : actor->p != NULL   ? actor
          : action->p != NULL  ? action
          : outcome->p != NULL ? outcome
                               : NULL;
    return *by == NULL      ? BY_TIME
           : *by == patient ? BY_PATIENT
           : *by == actor   ? BY_ACTOR
           : *by == action  ? BY_ACTION
                            : BY_OUTCOME;
}

static enum ward_code take(const struct audit_vault *v, struct ward_arena *mem,
                           const struct ward_rows *rows, struct audit_entry **out,
                           int64_t **occurred_at_us, struct ward_err *err)
{
    struct audit_entry *e = ward_alloc(mem, rows->n * sizeof(*e));
    int64_t *at = ward_alloc(mem, rows->n * sizeof(*at));

    if (e == NULL || at == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the answer exceeds the call's memory");
    for (size_t i = 0; i < rows->n; i++) {
        WARD_TRY(entry_open(v, mem, rows->at[i], &e[i], err));
        if (!ward_i64(rows->at[i][5].p, 0, INT64_MAX, &at[i]))
            return WARD_FAIL_REASON(err, DATA_LOSS, "LOG_TAMPERED", "an entry has no time");
    }
    *out = e;
    *occurred_at_us = at;
    return WARD_OK;
}

enum ward_code search(const struct audit_vault *v, struct ward_db *db, struct ward_arena *mem,
                      const struct audit_filter *f, struct audit_entry **out,
                      int64_t **occurred_at_us, size_t *n, struct ward_err *err)
{
    struct ward_val patient = hashed(v, mem, "patient", f->patient),
                    actor = hashed(v, mem, "actor", f->actor),
                    action = hashed(v, mem, "action", f->action),
                    outcome = f->outcome == 0 ? ward_text(NULL) : ward_int(mem, f->outcome);
    const struct ward_val *by;
    const char *sql = choose(&patient, &actor, &action, &outcome, &by);
    struct asked a = {0};
    struct ward_rows rows;

    if (by != NULL)
        ask(&a, *by);
    ask(&a, ward_int(mem, f->from_us));
    ask(&a, ward_int(mem, f->to_us));
    ask(&a, ward_int(mem, f->before_us));
    ask(&a, ward_int(mem, f->before_us));
    ask(&a, ward_int(mem, (int64_t)f->before_index));
    ask_maybe(&a, patient);
    ask_maybe(&a, actor);
    ask_maybe(&a, action);
    ask_maybe(&a, outcome);
    ask_maybe(&a, *f->service == '\0' ? ward_text(NULL) : ward_text(f->service));
    ask(&a, ward_int(mem, (int64_t)f->most));
    WARD_TRY(ward_db_run(db, mem, sql, a.v, a.n, &rows, err));
    WARD_TRY(take(v, mem, &rows, out, occurred_at_us, err));
    *n = rows.n;
    return WARD_OK;
}
