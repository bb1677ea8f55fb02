/* Decisions: making, storing and reading. Each decision is encrypted as a whole, bound to the
 * unencrypted columns of its row. */
#include "services/dosage/order/order_own.h"

#include <stdio.h>
#include <string.h>

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a decision");
}

/* ---- making ---- */

static enum ward_code name_it(Decision *d, struct ward_arena *mem, struct ward_err *err)
{
    uint8_t id[DOSAGE_ID];
    char text[37];

    ward_uuid7(id);
    ward_uuid_text(id, text);
    d->decision_id = ward_strdup(mem, text);
    return d->decision_id == NULL ? no_memory(err) : WARD_OK;
}

enum ward_code decide_by(struct worker *w, struct ward_arena *mem, const struct asked *what,
                         const struct looked *looked, Decision **out, struct ward_err *err)
{
    Decision *d = ward_new(mem, Decision);
    Snapshot *snap = NULL;

    if (d == NULL)
        return no_memory(err);
    ward__dosage__v1__decision__init(d);
    WARD_TRY(snapshot_make(w, mem, looked, what, &snap, err));
    d->snapshot = snap;
    WARD_TRY(check_run(looked->rules, snap, mem, d, err));
    WARD_TRY(name_it(d, mem, err));
    *out = d;
    return WARD_OK;
}

enum ward_code decide(struct worker *w, struct ward_arena *mem, const struct asked *what,
                      const struct ruleset **rules, Decision **out, struct ward_err *err)
{
    const struct look_for where = {
        .patient = what->chart->id, .at_us = what->at_us, .ward = what->ward, .due_us = -1};
    struct looked looked;
    enum ward_code code;

    WARD_TRY(look(w, mem, &where, &looked, err));
    code = decide_by(w, mem, what, &looked, out, err);
    look_wipe(&looked);
    *rules = looked.rules;
    return code;
}

/* ---- storing ---- */

#define BOUND 96
static void bound(char out[BOUND], int64_t at_us, int64_t purpose, int64_t outcome,
                  int64_t rules)
{
    snprintf(out, BOUND, "%lld %lld %lld %lld", (long long)at_us, (long long)purpose,
             (long long)outcome, (long long)rules);
}

static enum ward_code decision_values(struct ward_arena *mem, const Decision *d,
                                      const struct owner *o, struct ward_val to[DECISION_ROW],
                                      struct ward_err *err)
{
    const Snapshot *s = d->snapshot;
    uint8_t *id = ward_alloc(mem, DOSAGE_ID);
    char as[BOUND];

    if (id == NULL)
        return no_memory(err);
    if (!ward_uuid_parse(d->decision_id, id))
        return WARD_FAIL(err, INTERNAL, "a stored decision has no id");
    to[0] = id_val(id);
    to[1] = id_val(o->id);
    to[2] = ward_int(mem, s->at_us);
    to[3] = ward_int(mem, s->purpose);
    to[4] = ward_int(mem, d->outcome);
    to[5] = ward_int(mem, s->rule_set_version);
    bound(as, s->at_us, s->purpose, d->outcome, s->rule_set_version);
    return owner_seal(o, mem, "decision", id, as, &d->base, &to[6], err);
}

static const Override *override_of(const Decision *d, const char *rule)
{
    for (size_t i = 0; i < d->n_overrides; i++)
        if (strcmp(d->overrides[i]->rule_id, rule) == 0)
            return d->overrides[i];
    return NULL;
}

/* Findings are sorted by severity. Only the first finding of each rule is stored. */
static bool said_before(const Decision *d, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(d->findings[k]->rule_id, d->findings[i]->rule_id) == 0)
            return true;
    return false;
}

#define HOUR_US INT64_C(3600000000)

/* The row has a random id, and its time is rounded to the hour, so that the row does not
 * identify its decision. */
static enum ward_code finding_row(struct ward_arena *mem, const Decision *d, const Finding *f,
                                  size_t n_open, struct ward_val to[FINDING_ROW],
                                  struct ward_err *err)
{
    const Snapshot *s = d->snapshot;
    bool ask = s->purpose == WARD__DOSAGE__V1__CHECK_PURPOSE__CHECK_PURPOSE_ASK;
    uint8_t *id = ward_alloc(mem, DOSAGE_ID);

    if (id == NULL)
        return no_memory(err);
    ward_random(id, DOSAGE_ID);
    to[0] = id_val(id);
    to[1] = ward_text(f->rule_id);
    to[2] = ward_int(mem, s->at_us - s->at_us % HOUR_US);
    to[3] = ward_int(mem, f->severity);
    to[4] = ward_int(mem, s->purpose);
    to[5] = ward_int(mem, n_open == 0 && override_of(d, f->rule_id) != NULL);
    to[6] = ward_int(mem, !ask && n_open > 0);
    to[7] = ward_text(s->facts == NULL || !rule_is_ward(s->facts->ward) ? "" : s->facts->ward);
    return WARD_OK;
}

enum ward_code decision_rows(struct ward_arena *mem, const struct owner *owner,
                             const Decision *d, size_t n_open, struct decision_rows *out,
                             struct ward_err *err)
{
    out->n_findings = 0;
    out->findings = ward_alloc(mem, d->n_findings * FINDING_ROW * sizeof(*out->findings));
    if (out->findings == NULL)
        return no_memory(err);
    for (size_t i = 0; i < d->n_findings; i++)
        if (!said_before(d, i))
            WARD_TRY(finding_row(mem, d, d->findings[i], n_open,
                                 out->findings + FINDING_ROW * out->n_findings++, err));
    return decision_values(mem, d, owner, out->decision, err);
}

enum ward_code decisions_insert(struct ward_db *db, const struct ward_val *decisions, size_t n,
                                const struct ward_val *findings, size_t n_findings,
                                struct ward_err *err)
{
    static const char DECISION[] =
        "INSERT INTO decision (decision_id, patient_id, decided_at_us, purpose, outcome,"
        " rule_set_version, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)";
    static const char FINDING[] =
        "INSERT INTO finding (finding_id, rule_id, at_us, severity, purpose, overridden,"
        " followed, ward) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

    if (n == 1)
        WARD_TRY(ward_db_run(db, NULL, DECISION, decisions, DECISION_ROW, NULL, err));
    else
        WARD_TRY(ward_db_bulk(db, DECISION, decisions, DECISION_ROW, n, err));
    return n_findings == 0 ? WARD_OK
                           : ward_db_bulk(db, FINDING, findings, FINDING_ROW, n_findings, err);
}

/* ---- metrics ---- */

void decision_count(const Decision *d, bool done)
{
    static const char *const severities[] = {"none", "info", "warn", "hard"};

    for (size_t i = 0; i < d->n_findings; i++) {
        const Finding *f = d->findings[i];
        const Override *o = override_of(d, f->rule_id);
        size_t s = (size_t)f->severity < WARD_COUNT(severities) ? (size_t)f->severity : 0;

        if (said_before(d, i))
            continue;
        ward_metric_add(ward_series_of(&dosage_findings, f->rule_id, severities[s], NULL), 1);
        if (done && o != NULL)
            ward_metric_add(ward_series_of(&dosage_overrides, f->rule_id, o->reason_code, NULL),
                            1);
    }
}

struct counted {
    const Decision *d;
    bool done;
};

static void count(void *arg)
{
    const struct counted *k = arg;

    decision_count(k->d, k->done);
}

enum ward_code decision_keep_for(struct worker *w, struct ward_arena *mem,
                                 const struct owner *owner, const Decision *d, size_t n_open,
                                 struct ward_err *err)
{
    struct counted *k = ward_new(mem, struct counted);
    struct decision_rows rows;

    if (k == NULL)
        return no_memory(err);
    WARD_TRY(decision_rows(mem, owner, d, n_open, &rows, err));
    WARD_TRY(decisions_insert(w->event_ctx.db, rows.decision, 1, rows.findings, rows.n_findings,
                              err));
    *k = (struct counted){.d = d, .done = n_open == 0};
    ward_db_after_commit(w->event_ctx.db, count, k);
    return WARD_OK;
}

enum ward_code decision_keep(struct worker *w, struct ward_arena *mem, const Decision *d,
                             size_t n_open, struct ward_err *err)
{
    uint8_t patient[DOSAGE_ID];
    enum ward_code code;
    struct owner o;

    if (d->snapshot == NULL || !ward_uuid_parse(d->snapshot->patient_id, patient))
        return WARD_FAIL(err, INTERNAL, "a stored decision has no id");
    WARD_TRY(owner_ensure(w, mem, patient, &o, err));
    code = decision_keep_for(w, mem, &o, d, n_open, err);
    owner_wipe(&o);
    return code;
}

/* ---- reading ---- */

enum ward_code decision_row(struct worker *w, struct ward_arena *mem,
                            const struct ward_val *row, Decision **out, struct ward_err *err)
{
    const uint8_t *id = (const uint8_t *)row[0].p;
    ProtobufCMessage *msg = NULL;
    enum ward_code code;
    struct owner o;
    char as[BOUND];

    if (row[3].p == NULL)
        return WARD_FAIL_REASON(err, DATA_LOSS, "DOSE_UNREADABLE",
                                "the row of a decision was changed outside the service");
    WARD_TRY(owner_open(w, mem, (const uint8_t *)row[1].p, row[2], row[3], &o, err));
    bound(as, row_number(row[4]), row_number(row[5]), row_number(row[6]), row_number(row[7]));
    code = owner_unseal(&o, mem, "decision", id, as, row[8],
                        &ward__dosage__v1__decision__descriptor, &msg, err);
    owner_wipe(&o);
    WARD_TRY(code);
    *out = (Decision *)msg;
    return WARD_OK;
}

enum ward_code decision_find(struct worker *w, struct ward_arena *mem,
                             const uint8_t id[DOSAGE_ID], Decision **out, struct ward_err *err)
{
    static const char SQL[] = "SELECT " DECISION_COLUMNS " FROM decision d" DECISION_KEYS
                              " WHERE d.decision_id = ? AND p.erased_at_us IS NULL";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "DECISION_NOT_FOUND", "no such decision");
    return decision_row(w, mem, rows.at[0], out, err);
}
