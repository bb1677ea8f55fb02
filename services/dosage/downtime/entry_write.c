#include "services/dosage/downtime/reconcile.h"

#include <string.h>

#define STATE(name) WARD__DOSAGE__V1__RECONCILE_RESULT__STATE__STATE_##name
#define TRIES       3
#define TWIN_US     INT64_C(300000000)
#define TWINS_MOST  500 /* maximum doses around the time */

struct writing {
    struct entry *e;
    struct entry_done *out;
    struct ward_event event;
    Dose *dose;
    uint8_t dose_id[DOSAGE_ID], charted_id[DOSAGE_ID];
    bool charted; /* the slot is already charted by another dose */
    bool twin;    /* an equal dose was charted at about this time */
};

/* ---- the slot ---- */

static enum ward_code look_at_slot(struct writing *s, struct ward_db *db, struct ward_err *err)
{
    static const char SQL[] = "SELECT administration_id FROM slot_taken WHERE order_id = ? AND"
                              " due_at_us = ? FOR UPDATE";
    struct entry *e = s->e;
    uint8_t order[DOSAGE_ID];
    struct ward_rows rows;

    s->charted = false;
    if (e->order == NULL || e->due_us < 0)
        return WARD_OK;
    if (!ward_uuid_parse(e->order->order_id, order))
        return WARD_FAIL(err, DATA_LOSS, "an order has no id");
    WARD_TRY(ward_db_run(db, e->call->mem, SQL,
                         WARD_PARAMS(id_val(order), ward_int(e->call->mem, e->due_us)), &rows,
                         err));
    s->charted = rows.n == 1;
    if (s->charted)
        memcpy(s->charted_id, rows.at[0][0].p, DOSAGE_ID);
    return WARD_OK;
}

static bool is_twin(const struct entry *e, const Dose *d)
{
    return (d->outcome == OUTCOME(GIVEN) || d->outcome == OUTCOME(PARTIAL)) &&
           !d->entered_in_error && strcmp(d->drug_id, e->drug_id) == 0 && d->dose != NULL &&
           entry_same_amount(e, d->product_id, d->dose, e->in->product_id, e->in->dose);
}

/* Finds a dose that was entered on two devices from one line of a paper form. With a slot,
 * look_at_slot finds the duplicate; without a slot, an equal drug, amount and time is only a
 * possible duplicate. */
static enum ward_code look_for_twin(struct writing *s, struct ward_err *err)
{
    struct entry *e = s->e;
    Dose **about_then;
    size_t n;

    s->twin = false;
    if (s->charted || (e->in->outcome != OUTCOME(GIVEN) && e->in->outcome != OUTCOME(PARTIAL)))
        return WARD_OK;
    WARD_TRY(doses_of(e->call->wrk, e->call->mem, e->chart.id, e->in->given_at_us - TWIN_US,
                      e->in->given_at_us + TWIN_US + 1, TWINS_MOST, &about_then, &n, err));
    for (size_t i = 0; i < n && !s->twin; i++)
        s->twin = is_twin(e, about_then[i]);
    return WARD_OK;
}

static enum ward_code put_conflict(struct writing *s, struct ward_db *db, struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO conflict (conflict_id, ward, charted_id, offline_id,"
                              " at_us) VALUES (?, ?, ?, ?, ?)";
    struct entry *e = s->e;
    uint8_t id[DOSAGE_ID];

    if (!s->charted)
        return WARD_OK;
    ward_uuid7(id);
    return ward_db_run(db, e->call->mem, SQL,
                       WARD_PARAMS(id_val(id), ward_text(e->pack->ward), id_val(s->charted_id),
                                   id_val(s->dose_id), ward_int(e->call->mem, e->now_us)),
                       NULL, err);
}

/* ---- the dose ---- */

static enum ward_code rights_of(struct writing *s, struct ward_err *err)
{
    struct entry *e = s->e;
    struct ward_arena *mem = e->call->mem;
    struct rights *r = ward_new(mem, struct rights);
    char pack[37], day[11];
    struct clock clock;

    if (r == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the rights");
    WARD_TRY(rights_make(mem, "downtime", r, err));
    ward_uuid_text(e->pack->id, pack);
    rights_say(r, RIGHT(PATIENT), RESULT(NOT_CHECKED), "downtime",
               ward_printf(mem, "pack %s", pack));
    if (e->hand.scanned != NULL) {
        WARD_TRY(ward_clock(e->call->wrk, mem, e->pack->ward, false, &clock, err));
        day_of(clock.zone, e->in->given_at_us, day);
        hand_right(r, &e->hand, e->drug_id, e->in->product_id, day);
    }
    s->dose->rights = r->at;
    s->dose->n_rights = RIGHTS;
    return WARD_OK;
}

static void of_order(struct writing *s)
{
    const struct entry *e = s->e;
    Dose *d = s->dose;

    if (e->order == NULL)
        return;
    d->order_id = e->order->order_id;
    d->order_version = e->order->version;
    d->slot_id = e->due_us < 0 ? api_text("") : e->in->slot_id;
    if (d->route == WARD__DOSAGE__V1__ROUTE__ROUTE_UNSPECIFIED)
        d->route = e->order->prescription->route;
    if (*d->product_id == '\0' && strcmp(e->drug_id, e->order->prescription->drug_id) == 0)
        d->product_id = e->order->prescription->product_id;
}

static enum ward_code make_dose(struct writing *s, struct ward_err *err)
{
    struct entry *e = s->e;
    const OfflineDose *in = e->in;
    Dose *d = ward_new(e->call->mem, Dose);

    if (d == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a dose");
    ward__dosage__v1__administration__init(d);
    s->dose = d;
    d->administration_id = s->out->administration_id;
    d->version = 1;
    d->patient_id = e->chart.text;
    d->outcome = in->outcome;
    d->drug_id = api_text(e->drug_id);
    d->product_id = *in->product_id == '\0' && e->hand.product != NULL ? e->hand.product->id
                                                                       : in->product_id;
    d->dose = in->dose;
    d->route = in->route;
    d->given_at_us = in->given_at_us;
    d->recorded_at_us = e->now_us;
    d->recorded_by = api_text(e->call->who->subject);
    d->given_by = in->given_by;
    d->second_person = in->second_person;
    d->scanned = e->hand.scanned;
    d->decision_id = e->decision == NULL ? api_text("") : e->decision->decision_id;
    d->reason_code = in->reason_code;
    d->reconciled = true;
    d->confirmed_by = api_text(e->high_alert ? e->confirmed_by : "");
    d->event_id = s->event.event_text;
    of_order(s);
    return rights_of(s, err);
}

static enum ward_code put_dose(struct writing *s, struct ward_err *err)
{
    struct entry *e = s->e;
    struct dose_write what = {.dose = s->dose,
                              .ward = e->pack->ward,
                              .due_us = e->due_us,
                              .take_slot = e->due_us >= 0 && !s->charted};

    if (e->decision != NULL) {
        e->decision->decided_by = api_text(e->call->who->subject);
        e->decision->second_person = e->in->second_person;
        e->decision->event_id = s->event.event_text;
        WARD_TRY(decision_keep(e->call->wrk, e->call->mem, e->decision, 0, err));
    }
    return dose_write(e->call->wrk, e->call->mem, &what, err);
}

/* ---- recording an entry ---- */

static enum ward_code say(struct writing *s, struct ward_err *err)
{
    struct issues issues = s->e->issues;

    if (s->charted)
        issue_add(&issues, "slot-charted");
    if (s->twin)
        issue_add(&issues, "maybe-twice");
    issues_print(&issues, s->out->issues);
    s->out->state = s->charted      ? STATE(CONFLICT)
                    : issues.n == 0 ? STATE(RECORDED)
                                    : STATE(RECORDED_WITH_ISSUES);
    ward_event_another(s->e->event, s->e->chart.text, &s->event);
    ward_event_note(&s->event, "entry", s->e->in->entry_id);
    ward_event_note(&s->event, "dose", s->out->administration_id);
    ward_event_note_int(&s->event, "issues", (int64_t)issues.n);
    return make_dose(s, err);
}

static enum ward_code write_all(struct writing *s, const struct owner *owner,
                                struct ward_db *db, struct ward_err *err)
{
    struct entry *e = s->e;
    enum ward_code code;
    bool known = false;

    ward_uuid7(s->dose_id);
    *s->out = (struct entry_done){0};
    ward_uuid_text(s->dose_id, s->out->administration_id);
    WARD_TRY(look_at_slot(s, db, err));
    WARD_TRY(look_for_twin(s, err));
    WARD_TRY(say(s, err));
    code = entry_put(e, owner, s->dose_id, s->out, err);
    if (code == WARD_ALREADY_EXISTS) {
        WARD_TRY(entry_known(e->call, e->id, e->in, s->out, &known, err));
        if (known && s->out->state == STATE(REJECTED))
            e->rejected = "entry-id";
        return known ? WARD_OK
                     : WARD_FAIL(err, ABORTED,
                                 "an entry was deleted after this call had written it");
    }
    WARD_TRY(code);
    WARD_TRY(put_dose(s, err));
    WARD_TRY(put_conflict(s, db, err));
    return ward_event_write(&s->event, db, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct writing *s = arg;
    struct entry *e = s->e;
    struct owner owner;
    enum ward_code code;

    WARD_TRY(owner_lock(e->call->wrk, e->call->mem, e->chart.id, &owner, err));
    code = write_all(s, &owner, db, err);
    owner_wipe(&owner);
    return code;
}

/* If the slot was charted after the check, the entry is checked again. */
enum ward_code entry_record(struct entry *e, struct entry_done *out, struct ward_err *err)
{
    struct worker *w = e->call->wrk;
    enum ward_code code = WARD_OK;

    for (int i = 0; i < TRIES; i++) {
        struct writing s = {.e = e, .out = out};

        code = ward_db_tx(w->event_ctx.db, in_tx, &s, err);
        if (code != WARD_ALREADY_EXISTS)
            break;
    }
    if (code == WARD_FAILED_PRECONDITION && strcmp(err->reason, "PATIENT_ERASED") == 0) {
        e->rejected = "no-patient";
        return WARD_OK;
    }
    return code;
}
