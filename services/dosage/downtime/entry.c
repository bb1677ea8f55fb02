#include "services/dosage/downtime/reconcile.h"

#include <string.h>

static bool was_given(const struct entry *e)
{
    return e->in->outcome == OUTCOME(GIVEN) || e->in->outcome == OUTCOME(PARTIAL);
}

static enum ward_code reject(struct entry *e, const char *why)
{
    e->rejected = why;
    return WARD_OK;
}

/* ---- the patient ---- */

/* For some days after a pack's expiry, the pack replaces a call to records, because the pack
 * has already shown its patients to the ward. For other patients and later doses, records
 * decides on access. */
#define BROUGHT_IN_US (3 * PACK_DAY_US)

static bool by_the_pack(const struct entry *e)
{
    const struct pack *p = e->pack;

    return pack_has_patient(p, e->in->patient_id) &&
           e->now_us < p->expires_at_us + BROUGHT_IN_US &&
           e->in->given_at_us >= p->made_at_us && e->in->given_at_us < p->expires_at_us;
}

static enum ward_code whom(struct entry *e, struct ward_err *err)
{
    struct ward_call *c = e->call;
    uint8_t id[DOSAGE_ID], (*all)[DOSAGE_ID];
    enum ward_code code;
    size_t n;

    if (!ward_uuid_parse(e->in->patient_id, id))
        return reject(e, "no-patient");
    WARD_TRY(owners_of(c->wrk, c->mem, id, &all, &n, err));
    memcpy(e->chart.id, all[0], DOSAGE_ID);
    ward_uuid_text(all[0], e->chart.text);
    if (!by_the_pack(e)) {
        struct chart seen;

        code = chart_may(c, e->in->patient_id, &seen);
        if (code == WARD_NOT_FOUND)
            return reject(e, "no-patient");
        WARD_TRY(code);
    }
    e->chart.facts = pack_facts(c, e->chart.id, e->away);
    return WARD_OK;
}

static bool is_theirs(struct entry *e, uint8_t (*all)[DOSAGE_ID], size_t n)
{
    uint8_t of[DOSAGE_ID];

    if (!ward_uuid_parse(e->order->patient_id, of))
        return false;
    for (size_t i = 0; i < n; i++)
        if (memcmp(all[i], of, DOSAGE_ID) == 0)
            return true;
    return false;
}

static enum ward_code by_which_order(struct entry *e, struct ward_err *err)
{
    uint8_t id[DOSAGE_ID], (*all)[DOSAGE_ID];
    struct ward_call *c = e->call;
    enum ward_code code;
    size_t n;

    if (*e->in->order_id == '\0') {
        issue_add(&e->issues, "no-order");
        return WARD_OK;
    }
    if (!ward_uuid_parse(e->in->order_id, id))
        return reject(e, "order-unknown");
    code = order_find(c->wrk, c->mem, id, false, &e->order, err);
    if (code == WARD_NOT_FOUND)
        return reject(e, "order-unknown");
    WARD_TRY(code);
    WARD_TRY(owners_of(c->wrk, c->mem, e->chart.id, &all, &n, err));
    if (!is_theirs(e, all, n))
        return reject(e, "order-other");
    issues_of_order(&e->issues, e->order, e->in->given_at_us);
    return WARD_OK;
}

/* ---- the drug ---- */

static void what_drug(struct entry *e)
{
    const Drug *drug = NULL, *of = NULL;
    struct ward_err why = {0};

    e->drug_id = *e->in->drug_id != '\0' ? e->in->drug_id
                 : e->order != NULL      ? e->order->prescription->drug_id
                                         : "";
    if (e->order != NULL && strcmp(e->drug_id, e->order->prescription->drug_id) != 0)
        issue_add(&e->issues, "drug-other");
    if (e->rules != NULL) {
        drug = ruleset_drug(e->rules, e->drug_id);
        if (drug == NULL)
            issue_add(&e->issues, "drug-unknown");
        if (*e->in->product_id != '\0' &&
            (ruleset_product(e->rules, e->in->product_id, &of) == NULL || of != drug))
            issue_add(&e->issues, "product-unknown");
        if (*e->in->scan != '\0' &&
            hand_read(e->call->mem, e->rules, e->in->scan, "", "", &e->hand, &why) != WARD_OK)
            issue_add(&e->issues, "scan-unreadable");
    }
    if (e->hand.drug != NULL && e->hand.drug != drug)
        issue_add(&e->issues, "scan-other");
    e->high_alert = e->rules != NULL && was_given(e) && is_high_alert(e->rules, e->drug_id);
}

bool entry_same_amount(const struct entry *e, const char *product_id, const Quantity *a,
                       const char *other_product_id, const Quantity *b)
{
    const Drug *drug = e->rules == NULL ? NULL : ruleset_drug(e->rules, e->drug_id);
    struct ward_decimal one, other;
    struct ward_err why = {0};

    if (strcmp(a->value, b->value) == 0 && strcmp(a->unit, b->unit) == 0)
        return true;
    return drug != NULL && drug->n_ingredients > 0 &&
           amount_of_ingredient(e->rules, e->drug_id, product_id, a, drug->ingredients[0], &one,
                                &why) == WARD_OK &&
           amount_of_ingredient(e->rules, e->drug_id, other_product_id, b, drug->ingredients[0],
                                &other, &why) == WARD_OK &&
           ward_decimal_cmp(&one, &other) == 0;
}

static void how_much(struct entry *e)
{
    const Prescription *p = e->order == NULL ? NULL : e->order->prescription;
    const char *product =
        *e->in->product_id != '\0' || p == NULL ? e->in->product_id : p->product_id;

    if (e->in->outcome == OUTCOME(GIVEN) && p != NULL && strcmp(e->drug_id, p->drug_id) == 0 &&
        !entry_same_amount(e, product, e->in->dose, p->product_id, p->dose))
        issue_add(&e->issues, "dose-other");
    if (!was_given(e))
        return;
    if (e->in->route == WARD__DOSAGE__V1__ROUTE__ROUTE_UNSPECIFIED && p == NULL)
        issue_add(&e->issues, "no-route");
    if (e->in->route != WARD__DOSAGE__V1__ROUTE__ROUTE_UNSPECIFIED && p != NULL &&
        e->in->route != p->route)
        issue_add(&e->issues, "route-other");
}

static void why_not(struct entry *e)
{
    if (e->in->outcome == OUTCOME(GIVEN))
        return;
    if (*e->in->reason_code == '\0')
        issue_add(&e->issues, "no-reason");
    else if (e->rules != NULL &&
             ruleset_reason(e->rules, e->in->reason_code, USE(NOT_GIVEN)) == NULL)
        issue_add(&e->issues, "reason-unknown");
}

/* ---- the slot ---- */

static enum ward_code that_slot(struct entry *e, int64_t due_us, struct ward_err *err)
{
    struct ward_call *c = e->call;
    enum ward_code code;
    Slot *slot;

    code = slot_find(c->wrk, c->mem, e->order, due_us, e->now_us, &slot, err);
    if (code == WARD_NOT_FOUND) {
        issue_add(&e->issues, "slot-unknown");
        return WARD_OK;
    }
    WARD_TRY(code);
    e->due_us = due_us;
    if (e->in->given_at_us < slot->window_from_us || e->in->given_at_us >= slot->window_to_us)
        issue_add(&e->issues, "out-of-window");
    return WARD_OK;
}

static enum ward_code which_slot(struct entry *e, struct ward_err *err)
{
    uint8_t order[DOSAGE_ID];
    struct ward_err why = {0};
    char text[37];
    int64_t due;

    e->due_us = -1;
    if (e->order == NULL)
        return *e->in->slot_id == '\0' ? WARD_OK : reject(e, "slot");
    if (*e->in->slot_id == '\0') {
        if (e->order->prescription->timing->kind !=
            WARD__DOSAGE__V1__TIMING__KIND__KIND_AS_NEEDED)
            issue_add(&e->issues, "no-slot");
        return WARD_OK;
    }
    if (slot_id_parse(e->in->slot_id, order, &due, &why) != WARD_OK)
        return reject(e, "slot");
    ward_uuid_text(order, text);
    if (strcmp(text, e->order->order_id) != 0)
        return reject(e, "slot");
    return that_slot(e, due, err);
}

enum ward_code entry_look(struct entry *e, struct ward_err *err)
{
    WARD_TRY(whom(e, err));
    if (e->rejected == NULL)
        WARD_TRY(by_which_order(e, err));
    if (e->rejected != NULL)
        return WARD_OK;
    issues_of_pack(&e->issues, e->pack, e->in);
    what_drug(e);
    if (*e->drug_id == '\0')
        return reject(e, "no-drug");
    WARD_TRY(entry_people(e, err));
    if (e->rejected != NULL)
        return WARD_OK;
    how_much(e);
    why_not(e);
    WARD_TRY(which_slot(e, err));
    return e->rejected == NULL && was_given(e) ? entry_check(e, err) : WARD_OK;
}
