#include "services/dosage/track/supply.h"

/* The densest possible timing has a dose every five minutes. Slots of a year, and one more. */
#define SLOTS_YEAR 105121
#define YEAR_US    (366 * TRACK_DAY_US)

struct sums {
    const struct ruleset *rules;
    const Order *order;
    struct ward_decimal supplied, used;
    int not_counted;
};

static enum ward_code add_used(struct sums *s, const Dose *a, const Quantity *what,
                               struct ward_err *err)
{
    struct ward_decimal amount;
    struct ward_err why = {0};

    if (what == NULL || *what->value == '\0')
        return WARD_OK;
    if (stock_amount(s->rules, s->order->prescription, a->product_id, what, &amount, &why) !=
        WARD_OK) {
        s->not_counted++;
        return WARD_OK;
    }
    return ward_decimal_add(&s->used, &amount, &s->used, err);
}

/* A wasted amount is used up, too, even if the patient got nothing. */
static enum ward_code use(struct worker *w, struct ward_arena *mem, struct sums *s,
                          const uint8_t id[DOSAGE_ID], struct ward_err *err)
{
    Dose *a;

    WARD_TRY(dose_find(w, mem, id, false, &a, err));
    if (a->entered_in_error)
        return WARD_OK;
    if (dose_counts(a))
        WARD_TRY(add_used(s, a, a->dose, err));
    return add_used(s, a, a->wasted, err);
}

static enum ward_code add_all(struct worker *w, struct ward_arena *mem, struct sums *s,
                              struct ward_err *err)
{
    uint8_t order[DOSAGE_ID], (*doses)[DOSAGE_ID];
    struct supplied *in;
    size_t n, n_doses;

    if (!ward_uuid_parse(s->order->order_id, order))
        return WARD_FAIL(err, DATA_LOSS, "an order has no id");
    WARD_TRY(supply_of(w, mem, order, &in, &n, err));
    for (size_t i = 0; i < n; i++) {
        struct ward_decimal amount;
        struct ward_err why = {0};

        if (stock_amount(s->rules, s->order->prescription, in[i].product_id, in[i].quantity,
                         &amount, &why) != WARD_OK)
            s->not_counted++;
        else
            WARD_TRY(ward_decimal_add(&s->supplied, &amount, &s->supplied, err));
    }
    WARD_TRY(supply_doses(w, mem, order, &doses, &n_doses, err));
    for (size_t i = 0; i < n_doses; i++)
        WARD_TRY(use(w, mem, s, doses[i], err));
    return WARD_OK;
}

/* *until_us: the due time of the first slot that the remaining supply does not cover. */
static enum ward_code lasts(struct worker *w, struct ward_arena *mem, const Order *order,
                            int32_t doses, int64_t now_us, int64_t *until_us,
                            struct ward_err *err)
{
    struct timing t;
    struct slot *slots;
    size_t want = (size_t)doses + 1;

    *until_us = 0;
    if (order->state != WARD__DOSAGE__V1__ORDER_STATE__ORDER_STATE_ACTIVE || want > SLOTS_YEAR)
        return WARD_OK;
    slots = ward_alloc(mem, want * sizeof(*slots));
    if (slots == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the slots");
    WARD_TRY(order_timing(w, mem, order, &t, err));
    if (timing_slots(&t, now_us, now_us + YEAR_US, slots, want) == want)
        *until_us = slots[doses].due_us;
    return WARD_OK;
}

enum ward_code supply_sum(struct worker *w, struct ward_arena *mem, const struct ruleset *rules,
                          const Order *order, int64_t now_us, Supply **out,
                          struct ward_err *err)
{
    struct sums s = {.rules = rules,
                     .order = order,
                     .supplied = ward_decimal_of(0, 0),
                     .used = ward_decimal_of(0, 0)};
    const Quantity *dose = order->prescription->dose;
    Supply *sum = ward_new(mem, Supply);
    struct ward_decimal left;
    struct amount one;

    if (sum == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a supply");
    ward__dosage__v1__supply__init(sum);
    WARD_TRY(add_all(w, mem, &s, err));
    WARD_TRY(ward_decimal_sub(&s.supplied, &s.used, &left, err));
    WARD_TRY(amount_of(dose, &one, err));
    sum->order_id = order->order_id;
    WARD_TRY(amount_print(&s.supplied, dose->unit, mem, &sum->supplied, err));
    WARD_TRY(amount_print(&s.used, dose->unit, mem, &sum->used, err));
    WARD_TRY(amount_print(&left, dose->unit, mem, &sum->left, err));
    sum->not_counted = s.not_counted;
    sum->doses_left = stock_doses(&left, &one.value);
    WARD_TRY(lasts(w, mem, order, sum->doses_left, now_us, &sum->lasts_until_us, err));
    *out = sum;
    return WARD_OK;
}
