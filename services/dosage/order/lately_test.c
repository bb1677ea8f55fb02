/* The cache of a patient's active orders, over a fake table. */
#include "services/dosage/order/lately.h"

#include "services/dosage/give/dose_row.h"
#include "services/dosage/order/home.h"
#include "services/dosage/order/order_own.h"
#include "services/dosage/store/keep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef Ward__Dosage__V1__Acknowledged Acknowledged;
typedef Ward__Dosage__V1__Administration Dose;

#define NOW    INT64_C(1800000000000000)
#define MINUTE INT64_C(60000000)

/* ---- a message with something in every field ---- */

static int64_t number;

static void fill(struct ward_arena *mem, ProtobufCMessage *msg);

static void fill_value(struct ward_arena *mem, const ProtobufCFieldDescriptor *f, void *at)
{
    const ProtobufCEnumDescriptor *e = f->descriptor;
    const int64_t n = ++number;
    const int32_t small = f->type == PROTOBUF_C_TYPE_BOOL   ? 1
                          : f->type == PROTOBUF_C_TYPE_ENUM ? e->values[e->n_values - 1].value
                                                            : (int32_t)n;
    const char *text = ward_printf(mem, "%s-%lld", f->name, (long long)n);
    ProtobufCMessage *m = NULL;

    if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessageDescriptor *d = f->descriptor;

        m = ward_alloc(mem, d->sizeof_message);
        assert_non_null(m);
        protobuf_c_message_init(d, m);
        fill(mem, m);
        memcpy(at, &m, sizeof(m));
    } else if (f->type == PROTOBUF_C_TYPE_STRING) {
        memcpy(at, &text, sizeof(text));
    } else if (f->type == PROTOBUF_C_TYPE_INT64) {
        memcpy(at, &n, sizeof(n));
    } else {
        memcpy(at, &small, sizeof(small));
    }
}

static void fill(struct ward_arena *mem, ProtobufCMessage *msg)
{
    for (unsigned i = 0; i < msg->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &msg->descriptor->fields[i];
        char *m = (char *)msg;
        const size_t one = 1;
        void *list;

        assert_int_not_equal(f->type, PROTOBUF_C_TYPE_BYTES);
        assert_int_not_equal(f->type, PROTOBUF_C_TYPE_DOUBLE);
        if (f->label != PROTOBUF_C_LABEL_REPEATED) {
            fill_value(mem, f, m + f->offset);
            continue;
        }
        list = ward_alloc(mem, 16);
        assert_non_null(list);
        fill_value(mem, f, list);
        memcpy(m + f->offset, &list, sizeof(list));
        memcpy(m + f->quantifier_offset, &one, sizeof(one));
    }
}

static struct ward_arena own;

static void same(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    size_t n = protobuf_c_message_get_packed_size(a);
    uint8_t *x = ward_alloc(&own, n), *y = ward_alloc(&own, n);

    assert_true(x != NULL && y != NULL);
    assert_int_equal(protobuf_c_message_get_packed_size(b), n);
    assert_int_equal(protobuf_c_message_pack(a, x), n);
    assert_int_equal(protobuf_c_message_pack(b, y), n);
    assert_memory_equal(x, y, n);
}

/* ---- the table ---- */

static struct {
    Order *orders[3];
    Dose *doses[3];
    Acknowledged *acknowledged[3];
    HomeReconciliation *homes[3];
    size_t n_acknowledged, n_homes;
    size_t n_orders, n_doses; /* beyond the existing rows, rows are repeated */
    int64_t touched, from_us;
    int reads;
    bool erased;
    void (*meanwhile)(void);
} table;

enum ward_code owner_erased(struct worker *w, const uint8_t id[DOSAGE_ID], struct ward_err *err)
{
    lately_forget(w->dos, id);
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "PATIENT_ERASED", "erased");
}

struct ward_val ward_blob(const void *p, size_t n)
{
    return (struct ward_val){p, n};
}

struct ward_val ward_int(struct ward_arena *mem, int64_t v)
{
    const char *text = ward_printf(mem, "%lld", (long long)v);

    return (struct ward_val){text, strlen(text)};
}

#define COLUMNS 18
/* The id contains the row's number. */
static const struct ward_val *row(struct ward_arena *mem, int kind, int64_t touched, size_t i)
{
    struct ward_val *v = ward_alloc(mem, COLUMNS * sizeof(*v));

    assert_non_null(v);
    memset(v, 0, COLUMNS * sizeof(*v));
    if (kind == 0 && table.erased)
        v[1 + DOSE_RECORDED] = ward_int(mem, 1);
    v[0] = ward_int(mem, kind);
    v[1 + DOSE_GIVEN] = ward_int(mem, touched);
    v[COLUMNS - 1] = ward_int(mem, (int64_t)i);
    return v;
}

enum ward_code ward_db_run(struct ward_db *db, struct ward_arena *mem, const char *sql,
                           const struct ward_val *params, size_t n_params,
                           struct ward_rows *out, struct ward_err *err)
{
    const struct ward_val **rows =
        ward_alloc(mem, (7 + table.n_orders + table.n_doses) * sizeof(struct ward_val *));
    size_t n = 0, most = (size_t)row_number(params[5]);

    (void)db, (void)sql, (void)err;
    assert_int_equal(n_params, 11);
    assert_int_equal(row_number(params[10]), HOMES_MOST);
    assert_int_equal(row_number(params[8]), ACKNOWLEDGED_MOST);
    assert_non_null(rows);
    table.reads++;
    table.from_us = row_number(params[2]);
    assert_int_equal(row_number(params[4]), table.from_us - LATELY_US);
    assert_int_equal(row_number(params[7]), table.from_us - ACKNOWLEDGED_US);
    rows[n++] = row(mem, 0, table.touched, 0);
    for (size_t i = 0; i < table.n_orders; i++)
        rows[n++] = row(mem, 1, 0, i);
    for (size_t i = 0; i < table.n_doses && i < most; i++)
        rows[n++] = row(mem, 2, 0, i);
    for (size_t i = 0; i < table.n_acknowledged; i++)
        rows[n++] = row(mem, 3, NOW, i);
    for (size_t i = 0; i < table.n_homes; i++)
        rows[n++] = row(mem, 4, NOW, i);
    *out = (struct ward_rows){.n = n, .cols = COLUMNS, .at = rows};
    if (table.meanwhile != NULL)
        table.meanwhile();
    return WARD_OK;
}

enum ward_code order_open(const struct owner *o, struct ward_arena *mem,
                          const struct ward_val *cols, Order **out, struct ward_err *err)
{
    (void)o, (void)mem, (void)err;
    *out = table.orders[row_number(cols[ORDER_AT_ID])];
    return WARD_OK;
}

enum ward_code dose_open(const struct owner *o, struct ward_arena *mem,
                         const struct ward_val *cols, Dose **out, struct ward_err *err)
{
    /* the last column; cols begins after the kind */
    size_t i = (size_t)row_number(cols[COLUMNS - 2]);

    (void)o, (void)mem, (void)err;
    *out = table.doses[i < 3 ? i : 0];
    return WARD_OK;
}

enum ward_code acknowledged_open(const struct owner *o, struct ward_arena *mem,
                                 const uint8_t id[DOSAGE_ID], int64_t at_us,
                                 struct ward_val sealed, Acknowledged **out,
                                 struct ward_err *err)
{
    (void)o, (void)mem, (void)sealed, (void)err;
    assert_int_equal(at_us, NOW);
    *out = table.acknowledged[id[0] - '0'];
    return WARD_OK;
}

enum ward_code home_open(const struct owner *o, struct ward_arena *mem,
                         const struct home_key *key, struct ward_val sealed,
                         HomeReconciliation **out, struct ward_err *err)
{
    (void)o, (void)mem, (void)sealed, (void)err;
    assert_int_equal(key->at_us, NOW);
    *out = table.homes[key->id[0] - '0'];
    return WARD_OK;
}

/* ---- fixtures ---- */

static struct dosage dos;
static struct worker worker = {.dos = &dos};
static const struct owner one = {.id = {1, [15] = 1}}, other = {.id = {2, [15] = 2}};

static int up(void **state)
{
    struct ward_err err = {0};

    (void)state;
    ward_arena_init(&own, (size_t)64 << 20);
    memset(&table, 0, sizeof(table));
    table.n_orders = table.n_doses = table.n_acknowledged = table.n_homes = 3;
    table.touched = 7;
    for (int i = 0; i < 3; i++) {
        table.orders[i] = ward_new(&own, Order);
        table.doses[i] = ward_new(&own, Dose);
        table.acknowledged[i] = ward_new(&own, Acknowledged);
        table.homes[i] = ward_new(&own, HomeReconciliation);
        if (table.orders[i] == NULL || table.doses[i] == NULL ||
            table.acknowledged[i] == NULL || table.homes[i] == NULL)
            return -1;
        ward__dosage__v1__home_reconciliation__init(table.homes[i]);
        fill(&own, &table.homes[i]->base);
        ward__dosage__v1__acknowledged__init(table.acknowledged[i]);
        fill(&own, &table.acknowledged[i]->base);
        ward__dosage__v1__order__init(table.orders[i]);
        ward__dosage__v1__administration__init(table.doses[i]);
        fill(&own, &table.orders[i]->base);
        fill(&own, &table.doses[i]->base);
    }
    return keep_open(&dos.lately, &err) == WARD_OK ? 0 : -1;
}

static int down(void **state)
{
    (void)state;
    keep_close(dos.lately);
    ward_arena_done(&own);
    return 0;
}

static struct lately ask(const struct owner *o, int64_t touched, int64_t at_us)
{
    struct ward_err err = {0};
    struct lately l;

    assert_int_equal(lately_of(&worker, &own, o, touched, at_us, &l, &err), WARD_OK);
    return l;
}

/* Requests the rows, and expects `reads` reads of the table so far. */
static void asks(int64_t touched, int64_t at_us, int reads)
{
    ask(&one, touched, at_us);
    assert_int_equal(table.reads, reads);
}

/* ---- the tests ---- */

static void what_is_kept_is_what_was_read(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct lately l = ask(&one, 7, NOW);

        assert_int_equal(table.reads, 1);
        assert_int_equal(l.touched, 7);
        assert_int_equal(l.from_us, table.from_us);
        assert_true(l.all);
        assert_int_equal(l.n_orders, 3);
        assert_int_equal(l.n_doses, 3);
        assert_int_equal(l.n_acknowledged, 3);
        assert_int_equal(l.n_homes, 3);
        for (size_t k = 0; k < 3; k++) {
            assert_true(i == 0 || l.orders[k] != table.orders[k]);
            same(&l.orders[k]->base, &table.orders[k]->base);
            same(&l.doses[k]->base, &table.doses[k]->base);
            same(&l.acknowledged[k]->base, &table.acknowledged[k]->base);
            same(&l.homes[k]->base, &table.homes[k]->base);
            assert_string_equal(l.homes[k]->reason, ""); /* checks do not use the reason */
            assert_string_not_equal(l.homes[k]->statement_id, "");
        }
    }
}

static void nothing_is_kept_as_nothing(void **state)
{
    (void)state;
    table.n_orders = table.n_doses = table.n_acknowledged = table.n_homes = 0;
    for (int i = 0; i < 2; i++) {
        struct lately l = ask(&one, 7, NOW);

        assert_int_equal(l.n_orders + l.n_doses + l.n_acknowledged + l.n_homes, 0);
        assert_true(l.all);
    }
    assert_int_equal(table.reads, 1);
}

static void another_number_reads_again(void **state)
{
    (void)state;
    asks(7, NOW, 1);
    table.touched = 8;
    table.n_orders = 2;
    assert_int_equal(ask(&one, 8, NOW).n_orders, 2);
    assert_int_equal(table.reads, 2);
    asks(8, NOW, 2);
    table.touched = 7; /* the table was restored from a backup */
    asks(7, NOW, 3);
    asks(-7, NOW, 4);
}

static void what_was_written_since_the_number_was_read_goes_by_its_own(void **state)
{
    (void)state;
    table.touched = 9;
    assert_int_equal(ask(&one, 7, NOW).touched, 9);
    asks(7, NOW, 2); /* the rows are not cached under value 7 */
    asks(9, NOW, 2);
}

static void an_earlier_moment_than_it_is_good_for_reads_again(void **state)
{
    int64_t from_us;

    (void)state;
    from_us = ask(&one, 7, NOW).from_us;
    assert_true(from_us <= NOW - 15 * MINUTE); /* the latest time for charting a dose */
    asks(7, NOW + 1000 * MINUTE, 1);
    asks(7, from_us, 1);
    asks(7, from_us - 1, 2);
    assert_true(table.from_us < from_us);
    asks(7, from_us - 1, 2);
    asks(7, NOW, 2);
}

static void each_patient_has_their_own(void **state)
{
    (void)state;
    ask(&one, 7, NOW);
    table.n_orders = 1;
    assert_int_equal(ask(&other, 7, NOW).n_orders, 1);
    assert_int_equal(ask(&one, 7, NOW).n_orders, 3);
    assert_int_equal(table.reads, 2);
    lately_forget(&dos, one.id);
    assert_int_equal(ask(&one, 7, NOW).n_orders, 1);
    assert_int_equal(ask(&other, 7, NOW).n_orders, 1);
    assert_int_equal(table.reads, 3);
}

static void forget(void)
{
    lately_forget(&dos, one.id);
}

static void what_was_forgotten_while_it_was_read_is_not_kept(void **state)
{
    (void)state;
    table.meanwhile = forget;
    asks(7, NOW, 1);
    table.meanwhile = NULL;
    asks(7, NOW, 2);
    asks(7, NOW, 2);
}

static void what_is_too_large_is_read_each_time(void **state)
{
    char *large = ward_alloc(&own, KEEP_MOST + 1);

    (void)state;
    assert_non_null(large);
    memset(large, 'a', KEEP_MOST);
    asks(7, NOW, 1);
    table.orders[1]->written_by = large;
    table.touched = 8;
    for (int i = 2; i < 4; i++) {
        assert_int_equal(strlen(ask(&one, 8, NOW).orders[1]->written_by), KEEP_MOST);
        assert_int_equal(table.reads, i);
    }
}

static void of_too_many_doses_none_is_there_and_it_is_told(void **state)
{
    struct lately l;

    (void)state;
    for (int i = 0; i < 3; i++)
        ward__dosage__v1__administration__init(table.doses[i]);
    table.n_doses = LATELY_MOST;
    l = ask(&one, 7, NOW);
    assert_true(l.all);
    assert_int_equal(l.n_doses, LATELY_MOST);
    table.n_doses = LATELY_MOST + 1;
    table.touched = 8;
    for (int i = 2; i < 4; i++) {
        l = ask(&one, 8, NOW);
        assert_false(l.all);
        assert_int_equal(l.n_doses, 0);
        assert_int_equal(l.n_orders, 3);
        assert_int_equal(table.reads, i); /* an incomplete result is not cached */
    }
}

static void who_was_erased_meanwhile_is_not_read(void **state)
{
    struct ward_err err = {0};
    struct lately l;

    (void)state;
    asks(7, NOW, 1);
    table.erased = true;
    assert_int_equal(lately_of(&worker, &own, &one, 8, NOW, &l, &err),
                     WARD_FAILED_PRECONDITION);
    assert_string_equal(err.reason, "PATIENT_ERASED");
    table.erased = false;
    asks(7, NOW, 3); /* no earlier entry remained */
}

static void a_service_without_room_reads_each_time(void **state)
{
    struct keep *k = dos.lately;

    (void)state;
    dos.lately = NULL;
    asks(7, NOW, 1);
    asks(7, NOW, 2);
    lately_forget(&dos, one.id);
    dos.lately = k;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_kept_is_what_was_read),
        TEST(nothing_is_kept_as_nothing),
        TEST(another_number_reads_again),
        TEST(what_was_written_since_the_number_was_read_goes_by_its_own),
        TEST(an_earlier_moment_than_it_is_good_for_reads_again),
        TEST(each_patient_has_their_own),
        TEST(what_was_forgotten_while_it_was_read_is_not_kept),
        TEST(what_is_too_large_is_read_each_time),
        TEST(of_too_many_doses_none_is_there_and_it_is_told),
        TEST(who_was_erased_meanwhile_is_not_read),
        TEST(a_service_without_room_reads_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
