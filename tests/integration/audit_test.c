/* The audit log's intake without the wire: deliveries good and bad, a log that was there
 * before, keys, erasure's left-overs. What the gRPC API promises is in tests/contract/audit. */
#include "tests/integration/it.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "services/audit/intake.h"
#include "services/audit/watch.h"
#include "services/audit/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEEP ((size_t)64 << 20)

static char dir[32], kek[64], anchor[64];
static struct audit_config cfg;
static struct ward_arena keep, mem;
static struct audit *a;
static struct ward_db *db;
static struct ward_err err;

static void open_log(void)
{
    ward_arena_init(&keep, KEEP);
    it_expect(audit_open(&cfg, &keep, &a, &err), WARD_OK, &err);
}

static void close_log(void)
{
    audit_close(a);
    a = NULL;
    ward_arena_done(&keep);
}

static int set_up(void **state)
{
    static const struct ward_schema *sets[] = {&ward_schema_audit};
    static const struct ward_bus_tls none = {"", "", ""};

    (void)state;
    it_fresh("audit_test");
    it_expect(ward_db_migrate(&it_cfg, sets, 1, &err), WARD_OK, &err);
    cfg = (struct audit_config){.origin = "ward.test/audit",
                                .kek_file = kek,
                                .anchor = "",
                                .bus_listen = "",
                                .bus_threads = 1,
                                .db = &it_cfg,
                                .bus_tls = &none};
    ward_arena_init(&mem, KEEP);
    db = it_open();
    open_log();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_log();
    ward_db_close(db);
    ward_arena_done(&mem);
    return 0;
}

/* ---- deliveries ---- */

static struct ward_bus_item item_of(const char *service, const char *patient)
{
    Event e = WARD__AUDIT__V1__EVENT__INIT;
    struct ward_bus_item it;
    uint8_t *bytes;
    char id[37];

    ward_uuid7(it.id);
    ward_uuid_text(it.id, id);
    e.event_id = id;
    e.occurred_at_us = ward_wall_us();
    e.service = (char *)(uintptr_t)service;
    e.action = "identity.test";
    e.outcome = WARD__AUDIT__V1__OUTCOME__OUTCOME_SUCCESS;
    e.patient = (char *)(uintptr_t)patient;
    it.n = protobuf_c_message_get_packed_size(&e.base);
    bytes = ward_alloc(&mem, it.n);
    protobuf_c_message_pack(&e.base, bytes);
    it.p = bytes;
    return it;
}

static enum ward_code take(const char *peer, const struct ward_bus_item *items, size_t n)
{
    enum ward_code code = intake_take(a, db, &mem, peer, items, n, &err);

    ward_db_deadline(db, WARD_NO_DEADLINE);
    return code;
}

static int64_t size_of_log(void)
{
    return it_count(db, "SELECT size FROM head");
}

static int64_t quarantined_by(const char *sql_reason)
{
    char sql[160];
    static char keep_sql[8][160];
    static int k;

    snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM quarantine WHERE reason LIKE '%s'",
             sql_reason);
    memcpy(keep_sql[k % 8], sql, sizeof(sql)); /* a statement's address is its key */
    return it_count(db, keep_sql[k++ % 8]);
}

static void a_delivery_is_in_the_log_when_it_is_acknowledged(void **state)
{
    struct ward_bus_item items[3] = {item_of("identity", "p1"), item_of("identity", ""),
                                     item_of("identity", "p2")};

    (void)state;
    it_expect(take("identity", items, 3), WARD_OK, &err);
    assert_int_equal(size_of_log(), 3);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM entry"), 3);
}

static void a_delivery_that_comes_again_changes_nothing(void **state)
{
    struct ward_bus_item items[3] = {item_of("identity", "p1"), item_of("identity", "p1"),
                                     item_of("identity", "p1")};

    (void)state;
    it_expect(take("identity", items, 2), WARD_OK, &err);
    it_expect(take("identity", items, 3), WARD_OK, &err); /* two known, one new */
    it_expect(take("identity", items, 3), WARD_OK, &err);
    assert_int_equal(size_of_log(), 3);
}

static void what_is_no_event_is_put_aside_and_said_and_does_not_block(void **state)
{
    struct ward_bus_item items[4] = {item_of("identity", "p1"), item_of("identity", "p1"),
                                     item_of("records", "p1"), item_of("identity", "p1")};
    struct audit_entry *said;
    static const uint8_t junk[] = {0xff, 0xff, 0xff};

    (void)state;
    items[1].p = junk;
    items[1].n = sizeof(junk);
    it_expect(take("identity", items, 4), WARD_OK, &err);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM quarantine"), 2);
    assert_int_equal(quarantined_by("a service may append%"), 1);
    assert_int_equal(size_of_log(), 4);                   /* two good ones, two that say so */
    it_expect(take("identity", items, 4), WARD_OK, &err); /* the relay did not hear of it */
    assert_int_equal(size_of_log(), 4);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM quarantine"), 2);
    said = ward_alloc(&mem, 4 * sizeof(*said));
    it_expect(entry_range(audit_vault(a), db, &mem, 0, 4, said, &err), WARD_OK, &err);
    assert_string_equal(said[1].leaf.service, "audit");
    assert_non_null(memmem(said[1].event, said[1].event_len, "audit.event.quarantined", 23));
}

static void an_id_that_another_event_has_is_put_aside(void **state)
{
    struct ward_bus_item first = item_of("identity", "p1"), second = item_of("identity", "p2");
    struct ward_bus_item innocent = item_of("identity", "p3"), both[2];

    (void)state;
    it_expect(take("identity", &first, 1), WARD_OK, &err);
    /* The second event says the first one's id of itself. */
    memcpy((uint8_t *)(uintptr_t)second.p + 2, (const uint8_t *)first.p + 2, 36);
    memcpy(second.id, first.id, 16);
    both[0] = second;
    both[1] = innocent;
    it_expect(take("identity", both, 2), WARD_OK, &err);
    assert_int_equal(quarantined_by("the log contains a different event%"), 1);
    assert_int_equal(size_of_log(), 3); /* first, innocent, and what says so */
}

static void an_item_whose_id_is_not_its_events_is_put_aside(void **state)
{
    struct ward_bus_item it = item_of("identity", "p1");

    (void)state;
    it.id[15] ^= 1;
    it_expect(take("identity", &it, 1), WARD_OK, &err);
    assert_int_equal(quarantined_by("event_id is not%"), 1);
}

static void over_a_unix_socket_the_service_is_taken_at_its_word(void **state)
{
    struct ward_bus_item it = item_of("records", "p1");

    (void)state;
    it_expect(take("", &it, 1), WARD_OK, &err);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM quarantine"), 0);
    assert_string_equal(it_sql(db, "SELECT service FROM entry WHERE idx = 0"), "records");
}

static void with_the_log_broken_nothing_is_acknowledged(void **state)
{
    struct ward_bus_item it = item_of("identity", "p1");

    (void)state;
    it_expect(take("identity", &it, 1), WARD_OK, &err);
    (void)it_sql(db, "UPDATE head SET size = 0, frontier = '',"
                     " root = UNHEX(SHA2('', 256))");
    it = item_of("identity", "p2");
    assert_int_equal(take("identity", &it, 1), WARD_DATA_LOSS);
    assert_int_equal(audit_sound(a, NULL), WARD_DATA_LOSS);
    assert_int_equal(take("identity", &it, 1), WARD_DATA_LOSS); /* and it stays so */
}

/* ---- opening ---- */

static void a_log_opens_again_with_its_own_key_file_only(void **state)
{
    struct ward_bus_item it = item_of("identity", "p1");
    struct ward_arena other;
    struct audit *b = NULL;
    FILE *f;

    (void)state;
    it_expect(take("identity", &it, 1), WARD_OK, &err);
    close_log();
    ward_arena_init(&other, KEEP);
    f = fopen(kek, "w");
    assert_non_null(f);
    for (int i = 0; i < 32; i++)
        fputs("ee", f);
    fclose(f);
    assert_int_equal(audit_open(&cfg, &other, &b, &err), WARD_DATA_LOSS);
    ward_arena_done(&other);
    f = fopen(kek, "w");
    for (int i = 0; i < 32; i++)
        fputs("ab", f);
    fclose(f);
    open_log();
    it_expect(take("identity", &it, 1), WARD_OK, &err);
    assert_int_equal(size_of_log(), 1);
}

static void a_log_of_another_name_does_not_open(void **state)
{
    struct ward_arena other;
    struct audit *b = NULL;

    (void)state;
    close_log();
    cfg.origin = "ward.test/other";
    ward_arena_init(&other, KEEP);
    assert_int_equal(audit_open(&cfg, &other, &b, &err), WARD_FAILED_PRECONDITION);
    ward_arena_done(&other);
    cfg.origin = "ward.test/audit";
    open_log();
}

static void an_anchor_file_that_is_no_head_stops_the_opening(void **state)
{
    struct ward_arena other;
    struct audit *b = NULL;
    FILE *f = fopen(anchor, "w");

    (void)state;
    assert_non_null(f);
    fputs("nonsense\n", f);
    fclose(f);
    close_log();
    cfg.anchor = anchor;
    ward_arena_init(&other, KEEP);
    assert_int_equal(audit_open(&cfg, &other, &b, &err), WARD_FAILED_PRECONDITION);
    ward_arena_done(&other);
    unlink(anchor);
    open_log();
}

/* ---- what a crash leaves ---- */

static void rows_that_a_crash_left_after_an_erasure_are_cleared(void **state)
{
    struct ward_bus_item items[2] = {item_of("identity", "gone"), item_of("identity", "stays")};
    uint64_t rows = 0;

    (void)state;
    it_expect(take("identity", items, 2), WARD_OK, &err);
    /* As EraseContent leaves it once committed: the key gone, the row marked. */
    (void)it_sql(db, "INSERT INTO erasing SELECT key_id, patient FROM entry WHERE idx = 0");
    (void)it_sql(db, "DELETE FROM content_key WHERE id = (SELECT key_id FROM erasing)");
    /* The watcher may have been quicker: either way they are cleared, once. */
    it_expect(erase_clear(db, &mem, &rows, &err), WARD_OK, &err);
    assert_int_equal(
        it_count(db, "SELECT COUNT(*) FROM entry WHERE content IS NULL AND patient IS NULL"),
        1);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM erasing"), 0);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM entry WHERE content IS NOT NULL"), 1);
}

static void no_patient_and_no_actor_stands_in_the_tables(void **state)
{
    struct ward_bus_item it = item_of("identity", "patient-in-clear");

    (void)state;
    it_expect(take("identity", &it, 1), WARD_OK, &err);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM entry WHERE INSTR(content,"
                                  " 'patient-in-clear') OR INSTR(leaf, 'patient-in-clear') OR"
                                  " INSTR(patient, 'patient')"),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
        TEST(a_delivery_is_in_the_log_when_it_is_acknowledged),
        TEST(a_delivery_that_comes_again_changes_nothing),
        TEST(what_is_no_event_is_put_aside_and_said_and_does_not_block),
        TEST(an_id_that_another_event_has_is_put_aside),
        TEST(an_item_whose_id_is_not_its_events_is_put_aside),
        TEST(over_a_unix_socket_the_service_is_taken_at_its_word),
        TEST(with_the_log_broken_nothing_is_acknowledged),
        TEST(a_log_opens_again_with_its_own_key_file_only),
        TEST(a_log_of_another_name_does_not_open),
        TEST(an_anchor_file_that_is_no_head_stops_the_opening),
        TEST(rows_that_a_crash_left_after_an_erasure_are_cleared),
        TEST(no_patient_and_no_actor_stands_in_the_tables),
    };
    FILE *f;
    int failed;

    ward_log_begin("audit_test");
    snprintf(dir, sizeof(dir), "/tmp/ward-audit-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return 1;
    snprintf(kek, sizeof(kek), "%s/kek", dir);
    snprintf(anchor, sizeof(anchor), "%s/anchor", dir);
    umask(077);
    f = fopen(kek, "w");
    if (f == NULL)
        return 1;
    for (int i = 0; i < 32; i++)
        fputs("ab", f);
    fclose(f);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(kek);
    unlink(anchor);
    rmdir(dir);
    return failed;
}
