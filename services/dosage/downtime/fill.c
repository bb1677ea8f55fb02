#include "services/dosage/downtime/pack.h"

#include <stdlib.h>
#include <string.h>

#define AT_ONCE       200  /* orders in one query */
#define PATIENTS_MOST 2000 /* maximum patients of a ward: no ward has so many beds */
#define DOSES_MOST    2000 /* maximum doses of a patient in a day */

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the pack");
}

/* ---- patients ---- */

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, DOSAGE_ID);
}

static bool listed(const struct filling *f, const uint8_t id[DOSAGE_ID])
{
    for (size_t i = 0; i < f->n; i++)
        if (memcmp(f->patients[i], id, DOSAGE_ID) == 0)
            return true;
    return false;
}

static enum ward_code add_patient(struct filling *f, const Order *order, struct ward_err *err)
{
    uint8_t id[DOSAGE_ID], (*all)[DOSAGE_ID];
    size_t n;

    if (!ward_uuid_parse(order->patient_id, id))
        return WARD_FAIL(err, DATA_LOSS, "an order has no patient");
    if (listed(f, id))
        return WARD_OK;
    WARD_TRY(owners_of(f->call->wrk, f->call->mem, id, &all, &n, err));
    if (listed(f, all[0]))
        return WARD_OK;
    if (f->n == PATIENTS_MOST)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "PACK_TOO_LARGE",
                                "the ward has more than %d patients", PATIENTS_MOST);
    memcpy(f->patients[f->n++], all[0], DOSAGE_ID);
    return WARD_OK;
}

enum ward_code fill_patients(struct filling *f, struct ward_err *err)
{
    uint8_t last[DOSAGE_ID];
    const uint8_t *after = NULL;
    Order **orders;
    size_t n;

    f->n = 0;
    f->patients = ward_alloc(f->call->mem, PATIENTS_MOST * sizeof(*f->patients));
    if (f->patients == NULL)
        return no_memory(err);
    do {
        WARD_TRY(orders_of_ward(f->call->wrk, f->call->mem, f->ward, PACK_OPEN, f->now_us,
                                f->expires_us, after, AT_ONCE, &orders, &n, err));
        for (size_t i = 0; i < n; i++)
            WARD_TRY(add_patient(f, orders[i], err));
        if (n > 0 && !ward_uuid_parse(orders[n - 1]->order_id, last))
            return WARD_FAIL(err, DATA_LOSS, "an order has no id");
        after = last;
    } while (n == AT_ONCE);
    qsort(f->patients, f->n, sizeof(*f->patients), by_id);
    return WARD_OK;
}

/* ---- last given doses ---- */

static bool has_dose(const PackPatient *p, const uint8_t id[DOSAGE_ID])
{
    char text[37];

    ward_uuid_text(id, text);
    for (size_t i = 0; i < p->n_last_doses; i++)
        if (strcmp(p->last_doses[i]->administration_id, text) == 0)
            return true;
    return false;
}

static enum ward_code last_of_order(struct filling *f, PackPatient *p, const Order *order,
                                    struct ward_err *err)
{
    static const char SQL[] = "SELECT administration_id FROM administration WHERE order_id = ?"
                              " AND counts ORDER BY given_at_us DESC LIMIT 1";
    struct worker *w = f->call->wrk;
    uint8_t id[DOSAGE_ID];
    struct ward_rows rows;

    if (!ward_uuid_parse(order->order_id, id))
        return WARD_FAIL(err, DATA_LOSS, "an order has no id");
    WARD_TRY(
        ward_db_run(w->event_ctx.db, f->call->mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    if (rows.n == 0 || has_dose(p, (const uint8_t *)rows.at[0][0].p))
        return WARD_OK;
    WARD_TRY(dose_find(w, f->call->mem, (const uint8_t *)rows.at[0][0].p, false,
                       &p->last_doses[p->n_last_doses], err));
    p->n_last_doses++;
    return WARD_OK;
}

static enum ward_code fill_doses(struct filling *f, size_t i, PackPatient *p,
                                 struct ward_err *err)
{
    Dose **day;
    size_t n;

    WARD_TRY(doses_of(f->call->wrk, f->call->mem, f->patients[i], f->now_us - PACK_DAY_US,
                      f->now_us + 1, DOSES_MOST, &day, &n, err));
    p->last_doses = ward_alloc(f->call->mem, (n + p->n_orders) * sizeof(Dose *));
    if (p->last_doses == NULL)
        return no_memory(err);
    for (size_t k = 0; k < n; k++)
        p->last_doses[p->n_last_doses++] = day[k];
    for (size_t k = 0; k < p->n_orders; k++)
        WARD_TRY(last_of_order(f, p, p->orders[k], err));
    return WARD_OK;
}

static enum ward_code fill_slots(struct filling *f, PackPatient *p, struct ward_err *err)
{
    size_t n, kept = 0;

    WARD_TRY(slots_of(f->call->wrk, f->call->mem, p->orders, p->n_orders,
                      f->now_us - PACK_DAY_US, f->expires_us, f->now_us, &p->slots, &n, err));
    for (size_t i = 0; i < n; i++)
        if (p->slots[i]->window_to_us > f->now_us)
            p->slots[kept++] = p->slots[i];
    p->n_slots = kept;
    return WARD_OK;
}

/* ---- facts of the chart ---- */

static const char *add(struct ward_arena *mem, const char *so_far, const char *before,
                       const char *more)
{
    if (so_far == NULL || *more == '\0')
        return so_far;
    return ward_printf(mem, "%s%s%s%s", so_far, *so_far == '\0' ? "" : "; ", before, more);
}

/* Joins the text and every coding, because another coding may contain additional
 * information. */
static const char *all_said(const char *so_far, const char *before, const char *text,
                            Ward__Dosage__V1__Coding *const *codings, size_t n,
                            struct ward_arena *mem)
{
    const char *all = add(mem, so_far, before, text);

    for (size_t i = 0; all != NULL && i < n; i++) {
        const char *one = ward_printf(mem, "%s%s(%s %s)", codings[i]->display,
                                      *codings[i]->display == '\0' ? "" : " ",
                                      codings[i]->system, codings[i]->code);

        all = one == NULL ? NULL : add(mem, all, before, one);
    }
    return all;
}

static const char *name_of(const Ward__Dosage__V1__Allergy *a, struct ward_arena *mem)
{
    const char *all;

    if (a->no_known && *a->text == '\0')
        return "no known allergies";
    all = all_said("", "", a->text, a->codings, a->n_codings, mem);
    for (size_t i = 0; all != NULL && i < a->n_substances; i++)
        all = all_said(all, "reaction to ", a->substances[i]->text, a->substances[i]->codings,
                       a->substances[i]->n_codings, mem);
    return all;
}

static enum ward_code fill_allergies(const struct filling *f, const Facts *facts,
                                     PackPatient *p, struct ward_err *err)
{
    struct ward_arena *mem = f->call->mem;

    p->allergies = ward_alloc(mem, (facts->n_allergies + 1) * sizeof(char *));
    if (p->allergies == NULL)
        return no_memory(err);
    for (size_t i = 0; i < facts->n_allergies; i++) {
        const char *name = name_of(facts->allergies[i], mem);
        char *line = name == NULL ? NULL
                                  : ward_printf(mem, "%s%s", name,
                                                facts->allergies[i]->high_criticality
                                                    ? ", high criticality"
                                                    : "");

        if (line == NULL)
            return no_memory(err);
        p->allergies[p->n_allergies++] = line;
    }
    if (facts->allergies_cut)
        p->allergies[p->n_allergies++] = api_text("further allergies are not listed");
    return WARD_OK;
}

static enum ward_code fill_chart(const struct filling *f, const Facts *facts, PackPatient *p,
                                 struct ward_err *err)
{
    p->chart = facts->state;
    p->chart_as_of_us = facts->as_of_us;
    if (facts->n_weights > 0) {
        p->weight = facts->weights[0]->quantity;
        p->weighed_at_us = facts->weights[0]->at_us;
    }
    return fill_allergies(f, facts, p, err);
}

enum ward_code fill_patient(struct filling *f, size_t i, PackPatient **out,
                            struct ward_err *err)
{
    PackPatient *p = ward_new(f->call->mem, PackPatient);

    if (p == NULL)
        return no_memory(err);
    ward__dosage__v1__pack_patient__init(p);
    WARD_TRY(ward_call_uuid(f->call, f->patients[i], &p->patient_id));
    WARD_TRY(orders_of(f->call->wrk, f->call->mem, f->patients[i], PACK_OPEN, f->now_us,
                       f->expires_us, &p->orders, &p->n_orders, err));
    WARD_TRY(fill_doses(f, i, p, err));
    WARD_TRY(fill_slots(f, p, err));
    WARD_TRY(fill_chart(f, f->facts[i], p, err));
    *out = p;
    return WARD_OK;
}
