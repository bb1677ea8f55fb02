#include "services/dosage/order/look.h"

#include "services/dosage/give/dose_row.h"
#include "services/dosage/order/home.h"
#include "services/dosage/order/order_own.h"
#include "services/dosage/order/prescription.h"
#include "services/dosage/schedule/slot_reader.h"
#include "services/dosage/store/keep.h"

#include <stdlib.h>
#include <string.h>

typedef Ward__Dosage__V1__Administration Dose;

/* ---- the first statement ---- */

enum kind { HEAD, TAKEN, GIVEN };
enum at {
    AT_KIND,
    AT_RULES,
    AT_TIME_ZONE,
    AT_BEFORE,
    AT_AFTER, /* in a TAKEN row: the slot's outcome */
    AT_PATIENT,
    AT_ROOT, /* in a TAKEN row: the slot's dose */
    AT_ERASED,
    AT_TOUCHED, /* in a TAKEN row: the slot's due time */
    AT_KEK,
    AT_WRAPPED
};

/* One row for each merged record of the patient, with the rule set and the ward's clock. For an
 * unknown patient, one row without a patient. */
#define HEAD_ROWS                                                                              \
    "SELECT 0, r.version, w.time_zone, w.before_minutes, w.after_minutes, p.patient_id,"       \
    " p.root_id, p.erased_at_us, p.touched, k.kek, k.wrapped FROM rule_set_active r"           \
    " LEFT JOIN ward w ON w.ward = ? LEFT JOIN patient me ON me.patient_id = ?"                \
    " LEFT JOIN patient p ON p.root_id = me.root_id"                                           \
    " LEFT JOIN owner_key k ON k.owner_id = p.patient_id"
#define TAKEN_ROWS                                                                             \
    " UNION ALL (SELECT 1, NULL, NULL, NULL, a.outcome, NULL, t.administration_id, NULL,"      \
    " t.due_at_us, NULL, NULL FROM slot_taken t"                                               \
    " JOIN administration a ON a.administration_id = t.administration_id"                      \
    " WHERE t.order_id = ? AND t.due_at_us >= ? AND t.due_at_us < ? LIMIT ?)"
/* Finds a valid dose of the order, charted under any merged record. */
#define GIVEN_ROW                                                                              \
    " UNION ALL (SELECT 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"         \
    " FROM administration WHERE order_id = ? AND counts LIMIT 1)"

static const char *ward_of(const struct look_for *what)
{
    return what->ward == NULL ? "" : what->ward;
}

static enum ward_code read_rows(struct worker *w, struct ward_arena *mem,
                                const struct look_for *what, struct ward_rows *out,
                                struct ward_err *err)
{
    static const char CHECK[] = HEAD_ROWS, GIVE[] = HEAD_ROWS TAKEN_ROWS GIVEN_ROW;
    const struct ward_val ward = ward_text(ward_of(what));
    const struct ward_val id = id_val(what->patient), order = id_val(what->order);
    const int64_t due = what->due_us < 0 ? INT64_MIN / 2 : what->due_us;

    if (what->order == NULL)
        return ward_db_run(w->event_ctx.db, mem, CHECK, WARD_PARAMS(ward, id), out, err);
    return ward_db_run(w->event_ctx.db, mem, GIVE,
                       WARD_PARAMS(ward, id, order, ward_int(mem, due - PLAN_DAY_US),
                                   ward_int(mem, due + PLAN_DAY_US + 1),
                                   ward_int(mem, SLOTS_MOST + 1), order),
                       out, err);
}

struct opening {
    struct worker *w;
    struct ward_arena *mem;
    const struct look_for *what;
    struct looked *out;
};

static enum ward_code open_key(struct opening *p, const struct ward_val *row,
                               struct ward_err *err)
{
    struct looked *l = p->out;
    const uint8_t *id = (const uint8_t *)row[AT_PATIENT].p;
    bool me = memcmp(id, p->what->patient, DOSAGE_ID) == 0;

    if (row[AT_ERASED].p != NULL && me)
        return owner_erased(p->w, id, err);
    if (row[AT_ERASED].p != NULL) {
        lately_forget(p->w->dos, id);
        return WARD_OK;
    }
    WARD_TRY(owner_open(p->w, p->mem, id, row[AT_KEK], row[AT_WRAPPED], &l->owners[l->n_owners],
                        err));
    l->touched[l->n_owners] = row_number(row[AT_TOUCHED]);
    if (me) {
        l->me = &l->owners[l->n_owners];
        memcpy(l->root, row[AT_ROOT].p, DOSAGE_ID);
    }
    l->n_owners++;
    return WARD_OK;
}

static enum ward_code open_head(struct opening *p, const struct ward_val *row,
                                struct ward_err *err)
{
    struct looked *l = p->out;

    if (l->rules == NULL)
        WARD_TRY(ruleset_of(p->w, p->mem, row_number(row[AT_RULES]), &l->rules, err));
    if (row[AT_TIME_ZONE].p != NULL) {
        l->time_zone = row[AT_TIME_ZONE].p;
        l->before_minutes = (int)row_number(row[AT_BEFORE]);
        l->after_minutes = (int)row_number(row[AT_AFTER]);
    }
    return row[AT_PATIENT].p == NULL ? WARD_OK : open_key(p, row, err);
}

static enum ward_code open_row(struct opening *p, const struct ward_val *row,
                               struct ward_err *err)
{
    const struct ward_val taken[] = {row[AT_TOUCHED], row[AT_ROOT], row[AT_AFTER]};

    switch ((enum kind)row_number(row[AT_KIND])) {
    case HEAD:
        return open_head(p, row, err);
    case TAKEN:
        return slot_taken_row(taken, &p->out->taken[p->out->n_taken++], err);
    case GIVEN:
        p->out->order_given = true;
        return WARD_OK;
    }
    return WARD_FAIL(err, INTERNAL, "a stored row has an unknown kind");
}

static int taken_by_time(const void *a, const void *b)
{
    const struct taken *x = a, *y = b;

    return (x->due_us > y->due_us) - (x->due_us < y->due_us);
}

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the active orders");
}

static enum ward_code room_for(struct opening *p, size_t n, struct ward_err *err)
{
    struct looked *l = p->out;

    l->owners = ward_alloc(p->mem, (n + 1) * sizeof(*l->owners));
    l->touched = ward_alloc(p->mem, (n + 1) * sizeof(*l->touched));
    l->taken = ward_alloc(p->mem, (n + 1) * sizeof(*l->taken));
    return l->owners == NULL || l->touched == NULL || l->taken == NULL ? no_memory(err)
                                                                       : WARD_OK;
}

static enum ward_code open_rows(struct opening *p, const struct ward_rows *rows,
                                struct ward_err *err)
{
    struct looked *l = p->out;

    WARD_TRY(room_for(p, rows->n, err));
    for (size_t i = 0; i < rows->n; i++)
        WARD_TRY(open_row(p, rows->at[i], err));
    qsort(l->taken, l->n_taken, sizeof(*l->taken), taken_by_time);
    if (l->rules == NULL) /* no row was read, because every row has the rule set */
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "NO_RULE_SET",
                                "no rule set is active: nothing can be checked");
    return WARD_OK;
}

/* ---- caching ---- */

/* Opens the cached row like a row from the tables. */
static enum ward_code by_head(struct opening *p, const struct head *h, struct ward_err *err)
{
    struct ward_arena *mem = p->mem;
    const struct ward_val row[] = {[AT_RULES] = ward_int(mem, h->rules),
                                   [AT_TIME_ZONE] =
                                       ward_text(h->has_clock ? h->time_zone : NULL),
                                   [AT_BEFORE] = ward_int(mem, h->before_minutes),
                                   [AT_AFTER] = ward_int(mem, h->after_minutes),
                                   [AT_PATIENT] = id_val(h->patient),
                                   [AT_ROOT] = id_val(h->root),
                                   [AT_TOUCHED] = ward_int(mem, h->touched),
                                   [AT_KEK] = ward_int(mem, h->kek),
                                   [AT_WRAPPED] = ward_blob(h->wrapped, sizeof(h->wrapped))};

    p->out->head = h;
    WARD_TRY(room_for(p, 1, err));
    return open_head(p, row, err);
}

static bool fits(struct ward_val text)
{
    return text.p == NULL || text.n < HEAD_TEXT;
}

/* Caches the row of one unmerged patient. */
static void keep_row(struct opening *p, uint64_t generation, const struct ward_rows *rows)
{
    const struct ward_val *row = rows->n == 1 ? rows->at[0] : NULL;
    const struct ward_val ward = ward_text(ward_of(p->what));
    struct head h = {.has_clock = row != NULL && row[AT_TIME_ZONE].p != NULL};

    if (row == NULL || p->out->me == NULL || row[AT_WRAPPED].n != sizeof(h.wrapped) ||
        !fits(ward) || !fits(row[AT_TIME_ZONE]))
        return;
    memcpy(h.patient, row[AT_PATIENT].p, DOSAGE_ID);
    memcpy(h.root, row[AT_ROOT].p, DOSAGE_ID);
    memcpy(h.wrapped, row[AT_WRAPPED].p, sizeof(h.wrapped));
    memcpy(h.ward, ward.p, ward.n);
    if (h.has_clock)
        memcpy(h.time_zone, row[AT_TIME_ZONE].p, row[AT_TIME_ZONE].n);
    h.touched = row_number(row[AT_TOUCHED]);
    h.kek = (int)row_number(row[AT_KEK]);
    h.rules = row_number(row[AT_RULES]);
    h.before_minutes = (int)row_number(row[AT_BEFORE]);
    h.after_minutes = (int)row_number(row[AT_AFTER]);
    head_keep(p->w->dos, generation, &h);
}

static enum ward_code by_tables(struct opening *p, struct ward_err *err)
{
    struct dosage *dos = p->w->dos;
    uint64_t generation =
        dos->lately == NULL ? 0 : keep_generation(dos->lately, p->what->patient);
    struct ward_rows rows;

    WARD_TRY(read_rows(p->w, p->mem, p->what, &rows, err));
    WARD_TRY(open_rows(p, &rows, err));
    if (p->what->kept)
        keep_row(p, generation, &rows);
    return WARD_OK;
}

/* ---- active orders and given doses ---- */

static void add(struct looked *l, const struct lately *of, int64_t at_us)
{
    for (size_t i = 0; i < of->n_orders; i++) {
        Order *o = of->orders[i];

        if (prescription_until(o->prescription, o->written_at_us) > at_us)
            l->running[l->n_running++] = o;
    }
    for (size_t i = 0; i < of->n_doses; i++)
        if (of->doses[i]->given_at_us >= at_us - LATELY_US)
            l->given[l->n_given++] = of->doses[i];
    for (size_t i = 0; i < of->n_acknowledged; i++)
        if (of->acknowledged[i]->at_us <= at_us &&
            of->acknowledged[i]->at_us > at_us - ACKNOWLEDGED_US)
            l->acknowledged[l->n_acknowledged++] = of->acknowledged[i];
    for (size_t i = 0; i < of->n_homes; i++)
        if (of->homes[i]->decided_at_us <= at_us)
            l->homes[l->n_homes++] = of->homes[i];
    l->given_all = l->given_all && of->all;
}

static enum ward_code open_lately(struct opening *p, struct ward_err *err)
{
    struct looked *l = p->out;
    struct lately *of = ward_alloc(p->mem, (l->n_owners + 1) * sizeof(*of));
    size_t orders = 0, doses = 0, acknowledged = 0, homes = 0;

    if (of == NULL)
        return no_memory(err);
    for (size_t i = 0; i < l->n_owners; i++) {
        WARD_TRY(
            lately_of(p->w, p->mem, &l->owners[i], l->touched[i], p->what->at_us, &of[i], err));
        /* Rows were written between the two reads: the data are inconsistent. A caller with the
         * lock checks again. */
        l->stands = l->stands && of[i].touched == l->touched[i];
        orders += of[i].n_orders;
        doses += of[i].n_doses;
        acknowledged += of[i].n_acknowledged;
        homes += of[i].n_homes;
    }
    l->running = ward_alloc(p->mem, (orders + 1) * sizeof(Order *));
    l->given = ward_alloc(p->mem, (doses + 1) * sizeof(Dose *));
    l->acknowledged = ward_alloc(p->mem, (acknowledged + 1) * sizeof(*l->acknowledged));
    l->homes = ward_alloc(p->mem, (homes + 1) * sizeof(*l->homes));
    if (l->running == NULL || l->given == NULL || l->acknowledged == NULL || l->homes == NULL)
        return no_memory(err);
    for (size_t i = 0; i < l->n_owners; i++)
        add(l, &of[i], p->what->at_us);
    l->given_all = l->given_all && l->n_given <= LATELY_MOST;
    if (!l->given_all)
        l->n_given = 0;
    qsort(l->running, l->n_running, sizeof(Order *), order_by_id);
    qsort(l->given, l->n_given, sizeof(Dose *), dose_by_time);
    qsort(l->acknowledged, l->n_acknowledged, sizeof(*l->acknowledged), acknowledged_by_time);
    qsort(l->homes, l->n_homes, sizeof(*l->homes), home_by_statement);
    return WARD_OK;
}

/* ---- loading ---- */

static void begin(struct looked *out, const struct dosage *dos)
{
    look_wipe(out);
    *out = (struct looked){.time_zone = dos->cfg.time_zone,
                           .before_minutes = CLOCK_MINUTES,
                           .after_minutes = CLOCK_MINUTES,
                           .given_all = true,
                           .stands = true};
}

/* A cached data key may be wrapped by a retired key: the tables are then read. */
static enum ward_code open_all(struct opening *p, struct ward_err *err)
{
    const struct look_for *what = p->what;
    struct dosage *dos = p->w->dos;
    const struct head *kept =
        what->kept ? head_find(dos, p->mem, what->patient, ward_of(what)) : NULL;

    if (kept != NULL && by_head(p, kept, NULL) == WARD_OK)
        return WARD_OK;
    begin(p->out, dos);
    return by_tables(p, err);
}

enum ward_code look(struct worker *w, struct ward_arena *mem, const struct look_for *what,
                    struct looked *out, struct ward_err *err)
{
    struct opening p = {.w = w, .mem = mem, .what = what, .out = out};
    enum ward_code code;

    *out = (struct looked){.n_owners = 0};
    begin(out, w->dos);
    code = open_all(&p, err);
    if (code == WARD_OK && !what->alone)
        code = open_lately(&p, err);
    if (code != WARD_OK)
        look_wipe(out);
    return code;
}

static bool is_as_it_was(const struct looked *l, const struct ward_val *row)
{
    for (size_t i = 0; i < l->n_owners; i++)
        if (memcmp(l->owners[i].id, row[HELD_ID].p, DOSAGE_ID) == 0)
            return l->touched[i] == row_number(row[HELD_TOUCHED]);
    return false;
}

bool look_stands(const struct looked *l, const struct ward_rows *held)
{
    size_t n = 0;

    for (size_t i = 0; i < held->n; i++) {
        if (held->at[i][HELD_ERASED].p != NULL)
            continue;
        if (!is_as_it_was(l, held->at[i]))
            return false;
        n++;
    }
    return l->stands && n == l->n_owners;
}

const struct owner *look_owner(const struct looked *l, const uint8_t id[DOSAGE_ID])
{
    for (size_t i = 0; i < l->n_owners; i++)
        if (memcmp(l->owners[i].id, id, DOSAGE_ID) == 0)
            return &l->owners[i];
    return NULL;
}

void look_wipe(struct looked *l)
{
    for (size_t i = 0; i < l->n_owners; i++)
        owner_wipe(&l->owners[i]);
    l->n_owners = 0;
    l->me = NULL;
}
