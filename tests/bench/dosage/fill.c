/* Orders and doses of a hospital's last year, written by the service's own functions. */
#include "bench.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <stdio.h>

typedef Ward__Dosage__V1__Order Order;
typedef Ward__Dosage__V1__Administration Administration;

#define AT_ONCE 20 /* patients a transaction */
#define DOSES   20 /* of each who is in a ward: two a running order */
#define DAY_US  INT64_C(86400000000)
#define HOUR_US INT64_C(3600000000)

struct filling {
    struct place place;
    uint64_t from, to, in_wards, each;
    int64_t now_us, orders, doses;
};

static char *id_text(struct ward_arena *mem, uint64_t n)
{
    uint8_t id[16];
    char text[37];

    uuid_of(n, id);
    ward_uuid_text(id, text);
    return ward_strdup(mem, text);
}

static uint64_t order_number(uint64_t patient, uint64_t k)
{
    return patient * 1000 + k + (UINT64_C(1) << 40);
}

static Order *make_order(struct filling *f, uint64_t n, uint64_t k)
{
    struct ward_arena *mem = &f->place.mem;
    bool in = n <= f->in_wards;
    int64_t starts = f->now_us - (in ? 2 : 30 + (int64_t)(mix(n + k) % 300)) * DAY_US;
    Order *o = ward_new(mem, Order);

    ward__dosage__v1__order__init(o);
    o->order_id = id_text(mem, order_number(n, k));
    o->version = 1;
    o->patient_id = id_text(mem, n);
    o->state = in ? WARD__DOSAGE__V1__ORDER_STATE__ORDER_STATE_ACTIVE
                  : WARD__DOSAGE__V1__ORDER_STATE__ORDER_STATE_COMPLETED;
    o->prescription = make_prescription(mem, k, starts, in ? 0 : starts + 5 * DAY_US);
    o->ward = ward_printf(mem, "ward-%d", (int)(n % WARDS));
    o->time_zone = api_text("UTC");
    o->written_by = api_text("bench");
    o->written_at_us = starts;
    o->decision_id = id_text(mem, order_number(n, k) + (UINT64_C(1) << 41));
    o->event_id = o->decision_id;
    return o;
}

static Administration *make_dose(struct filling *f, const Order *o, uint64_t n, uint64_t k)
{
    struct ward_arena *mem = &f->place.mem;
    Administration *a = ward_new(mem, Administration);

    ward__dosage__v1__administration__init(a);
    a->administration_id = id_text(mem, n * 1000 + k + (UINT64_C(1) << 42));
    a->version = 1;
    a->patient_id = o->patient_id;
    a->order_id = o->order_id;
    a->order_version = 1;
    a->outcome = WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_GIVEN;
    a->drug_id = o->prescription->drug_id;
    a->dose = o->prescription->dose;
    a->route = o->prescription->route;
    a->given_at_us = f->now_us - (25 + 24 * (int64_t)(k / KINDS)) * HOUR_US;
    a->recorded_at_us = a->given_at_us;
    a->recorded_by = api_text("bench");
    a->event_id = o->event_id;
    return a;
}

static enum ward_code fill_patient(struct filling *f, uint64_t n, struct ward_err *err)
{
    struct worker *w = f->place.w;
    struct ward_arena *mem = &f->place.mem;
    Order *first[KINDS];

    for (uint64_t k = 0; k < f->each; k++) {
        Order *o = make_order(f, n, k);

        first[k % KINDS] = o;
        WARD_TRY(order_write(w, mem, o, err));
        f->orders++;
    }
    for (uint64_t k = 0; n <= f->in_wards && f->each >= KINDS && k < DOSES; k++) {
        struct dose_write d = {
            .dose = make_dose(f, first[k % KINDS], n, k), .ward = first[0]->ward, .due_us = -1};

        WARD_TRY(dose_write(w, mem, &d, err));
        f->doses++;
    }
    return WARD_OK;
}

static enum ward_code some(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct filling *f = arg;

    (void)db;
    for (uint64_t n = f->from; n < f->to; n++)
        WARD_TRY(fill_patient(f, n, err));
    return WARD_OK;
}

/* fill SOCKET USER KEK PATIENTS EACH IN_WARDS: patients 1..PATIENTS with so many orders each;
 * of the first IN_WARDS they run, and doses were given. */
int mode_fill(int argc, char **argv)
{
    static struct filling f;
    uint64_t patients = argc == 7 ? (uint64_t)number(argv[4], 10000000) : 0;
    int64_t began = ward_mono_ns();

    f.each = (uint64_t)number(argv[5], 100);
    f.in_wards = (uint64_t)number(argv[6], 1000000);
    f.now_us = ward_wall_us();
    place_open(&f.place, bench_keys(argv + 1), 0, "");
    for (f.from = 1; f.from <= patients; f.from = f.to) {
        f.to = f.from + AT_ONCE <= patients ? f.from + AT_ONCE : patients + 1;
        place_call(&f.place, "fill");
        ward_db_deadline(f.place.w->event_ctx.db, WARD_NO_DEADLINE);
        must(ward_db_tx(f.place.w->event_ctx.db, some, &f, &f.place.err), &f.place.err,
             "orders");
    }
    printf("{\"orders\": %lld, \"doses\": %lld, \"per_s\": %.1f}\n", (long long)f.orders,
           (long long)f.doses, (double)f.orders / ((double)(ward_mono_ns() - began) / 1e9));
    place_close(&f.place);
    return 0;
}
