/* A call's audit events against a real server: what they say, that several of one call are
 * told apart, and what is told of a call that failed. */
#include "tests/integration/it.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/handler/event.h"
#include "ward/audit/v1/event.pb-c.h"

#include <stdio.h>
#include <string.h>

#define ANNA "0190a0b0-0000-7000-8000-000000000001"
#define BERT "0190a0b0-0000-7000-8000-000000000002"

typedef Ward__Audit__V1__Event Event;

static struct ward_db *db;
static struct ward_err err;
static struct ward_arena mem;
static struct ward_event_ctx event_ctx;
static const struct ward_method_info look = {.path = "/t/Look"};
static const struct ward_principal nurse = {.subject = "nurse-7", .purpose = "care"};
static struct ward_call call;

static int set_up(void **state)
{
    (void)state;
    it_fresh("it_act");
    db = it_open();
    ward_arena_init(&mem, 64 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    ward_db_close(db);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    err = (struct ward_err){0};
    ward_arena_reset(&mem);
    it_sql(db, "DELETE FROM ward_outbox");
    event_ctx = (struct ward_event_ctx){.service = "chart", .db = db};
    call = (struct ward_call){.mem = &mem,
                              .err = &err,
                              .method = &look,
                              .peer = "ward-screen",
                              .who = &nurse,
                              .deadline_ns = WARD_NO_DEADLINE,
                              .traceparent = "00-one",
                              .trace_id = "one"};
    return 0;
}

/* All events that wait, in the order they were written; *n of them. */
static Event **waiting(size_t *n)
{
    struct ward_rows rows;
    Event **all;
    char id[37];

    it_expect(ward_db_run(db, &mem, "SELECT event_id, event FROM ward_outbox ORDER BY id",
                          WARD_NO_PARAMS, &rows, &err),
              WARD_OK, &err);
    all = ward_alloc(&mem, (rows.n + 1) * sizeof(*all));
    assert_non_null(all);
    for (size_t i = 0; i < rows.n; i++) {
        const struct ward_val *v = rows.at[i];

        all[i] = ward__audit__v1__event__unpack(NULL, v[1].n, (const uint8_t *)v[1].p);
        assert_non_null(all[i]);
        assert_int_equal(v[0].n, 16);
        ward_uuid_text((const uint8_t *)v[0].p, id);
        assert_string_equal(all[i]->event_id, id);
    }
    *n = rows.n;
    return all;
}

static void done(Event **all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ward__audit__v1__event__free_unpacked(all[i], NULL);
}

static const char *detail(const Event *e, const char *key)
{
    for (size_t i = 0; i < e->n_detail; i++)
        if (strcmp(e->detail[i]->key, key) == 0)
            return e->detail[i]->value;
    return "";
}

struct writing {
    struct ward_event *events;
    size_t n;
};

static enum ward_code write_in_tx(struct ward_db *on, void *arg, struct ward_err *e)
{
    struct writing *w = arg;

    return w->n == 1 ? ward_event_write(w->events, on, e)
                     : ward_event_write_many(w->events, w->n, on, e);
}

static void an_event_tells_who_did_what_to_whom(void **state)
{
    struct ward_event a;
    struct writing w = {&a, 1};
    Event **all;
    size_t n;

    (void)state;
    ward_event_begin(&a, &call, &event_ctx, ANNA);
    a.place = "bed-4";
    ward_event_note(&a, "kind", "allergy");
    ward_event_note_int(&a, "shown", INT64_C(9007199254740993));
    ward_event_note_num(&a, "score", 0.25);
    it_expect(ward_db_tx(db, write_in_tx, &w, &err), WARD_OK, &err);
    assert_true(call.audited);
    all = waiting(&n);
    assert_int_equal(n, 1);
    assert_string_equal(all[0]->event_id, a.event_text);
    assert_string_equal(all[0]->service, "chart");
    assert_string_equal(all[0]->action, "/t/Look");
    assert_string_equal(all[0]->actor, "nurse-7");
    assert_string_equal(all[0]->purpose, "care");
    assert_string_equal(all[0]->peer, "ward-screen");
    assert_string_equal(all[0]->patient, ANNA);
    assert_string_equal(all[0]->place, "bed-4");
    assert_string_equal(all[0]->trace_id, "one");
    assert_int_equal(all[0]->outcome, WARD__AUDIT__V1__OUTCOME__OUTCOME_SUCCESS);
    assert_string_equal(detail(all[0], "kind"), "allergy");
    assert_string_equal(detail(all[0], "shown"), "9007199254740993");
    assert_string_equal(detail(all[0], "score"), "0.2500");
    done(all, n);
}

static void each_patient_of_one_call_has_an_event_of_their_own(void **state)
{
    enum { N = 300 };
    struct ward_event first, *events = ward_alloc(&mem, N * sizeof(*events));
    struct writing w = {events, N};
    Event **all;
    size_t n;

    (void)state;
    assert_non_null(events);
    ward_event_begin(&first, &call, &event_ctx, NULL);
    ward_event_note(&first, "search", "name");
    for (int i = 0; i < N; i++) {
        ward_event_another(&first, ward_printf(&mem, "patient-%d", i), &events[i]);
        ward_event_note_int(&events[i], "row", i);
    }
    assert_int_equal(first.n, 1);
    it_expect(ward_db_tx(db, write_in_tx, &w, &err), WARD_OK, &err);
    assert_true(call.audited);
    all = waiting(&n);
    assert_int_equal(n, N);
    for (int i = 0; i < N; i++) {
        assert_string_equal(all[i]->patient, ward_printf(&mem, "patient-%d", i));
        assert_string_equal(all[i]->trace_id, "one");
        assert_string_equal(detail(all[i], "search"), "name");
        assert_string_equal(detail(all[i], "row"), ward_printf(&mem, "%d", i));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(all[i]->event_id, all[k]->event_id);
    }
    done(all, n);
    w.n = 0;
    it_expect(ward_db_tx(db, write_in_tx, &w, &err), WARD_OK, &err);
    done(waiting(&n), N);
    assert_int_equal(n, N);
}

static void events_outside_a_transaction_are_refused(void **state)
{
    struct ward_event events[2];
    size_t n;

    (void)state;
    for (int i = 0; i < 2; i++)
        ward_event_begin(&events[i], &call, &event_ctx, ANNA);
    it_expect(ward_event_write(&events[0], db, &err), WARD_INTERNAL, &err);
    it_expect(ward_event_write_many(events, 2, db, &err), WARD_INTERNAL, &err);
    assert_false(call.audited);
    waiting(&n);
    assert_int_equal(n, 0);
}

static void a_failure_is_about_whom_its_own_call_was_about(void **state)
{
    struct ward_event a, other;
    Event **all;
    size_t n;

    (void)state;
    ward_event_begin(&a, &call, &event_ctx, ANNA);
    ward_event_another(&a, BERT, &other); /* of the same call: the failure stays about Anna */
    (void)WARD_FAIL_REASON(&err, NOT_FOUND, "SUBJECT_NOT_FOUND", "nobody has this id");
    ward_event_failed(&call, &event_ctx, WARD_NOT_FOUND);
    snprintf(call.traceparent, sizeof(call.traceparent), "00-two");
    err = (struct ward_err){0};
    ward_event_failed(&call, &event_ctx, WARD_PERMISSION_DENIED); /* refused before it began */
    all = waiting(&n);
    assert_int_equal(n, 2);
    assert_string_equal(all[0]->patient, ANNA);
    assert_string_equal(all[0]->code, "NOT_FOUND/SUBJECT_NOT_FOUND");
    assert_int_equal(all[0]->outcome, WARD__AUDIT__V1__OUTCOME__OUTCOME_FAILURE);
    assert_string_equal(all[1]->patient, "");
    assert_string_equal(all[1]->code, "PERMISSION_DENIED");
    assert_int_equal(all[1]->outcome, WARD__AUDIT__V1__OUTCOME__OUTCOME_REFUSED);
    done(all, n);
}

static void an_act_of_the_services_own_has_no_actor(void **state)
{
    struct ward_call own;
    struct ward_event a;
    struct writing w = {&a, 1};
    Event **all;
    size_t n;

    (void)state;
    ward_event_by_service(&a, &own, &event_ctx, &mem, &look, BERT);
    it_expect(ward_db_tx(db, write_in_tx, &w, &err), WARD_OK, &err);
    all = waiting(&n);
    assert_int_equal(n, 1);
    assert_string_equal(all[0]->actor, "");
    assert_string_equal(all[0]->peer, "chart");
    assert_string_equal(all[0]->patient, BERT);
    done(all, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_event_tells_who_did_what_to_whom, clean),
        cmocka_unit_test_setup(each_patient_of_one_call_has_an_event_of_their_own, clean),
        cmocka_unit_test_setup(events_outside_a_transaction_are_refused, clean),
        cmocka_unit_test_setup(a_failure_is_about_whom_its_own_call_was_about, clean),
        cmocka_unit_test_setup(an_act_of_the_services_own_has_no_actor, clean),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
