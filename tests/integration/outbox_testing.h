/* outbox_testing.h - what outbox_test.c works with: a fresh database, deliveries that count,
 * and receivers that refuse. Threads: one, but for what is atomic. Memory: static. Errors: fail
 * the test. */
#ifndef WARD_TESTS_INTEGRATION_OUTBOX_TESTING_H
#define WARD_TESTS_INTEGRATION_OUTBOX_TESTING_H

#include "tests/integration/it.h"

#include "common/base/crypto.h"
#include "common/base/text.h"
#include "common/db/outbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ward_db *db;
static struct ward_err err;
static atomic_int woken;

static int set_up(void **state)
{
    (void)state;
    it_fresh("it_outbox");
    db = it_open();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ward_db_close(db);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    err = (struct ward_err){0};
    atomic_store(&woken, 0);
    ward_outbox_on_commit(NULL, NULL);
    it_sql(db, "DELETE FROM ward_outbox");
    it_sql(db, "DELETE FROM ward_outbox_held");
    return 0;
}

static void wake(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

struct adding {
    uint32_t first, n;
    bool fail, audited;
    size_t empty; /* add_many: that one has no bytes, from 1; 0: none */
};

static enum ward_code add(struct ward_db *on, void *arg, struct ward_err *e)
{
    struct adding *a = arg;
    struct ward_arena mem;
    enum ward_code code = WARD_OK;

    ward_arena_init(&mem, 1 << 20);
    for (uint32_t i = 0; code == WARD_OK && i < a->n; i++) {
        uint8_t id[16] = {0};
        uint32_t number = a->first + i;

        memcpy(id, &number, sizeof(number));
        code = ward_outbox_add(on, &mem, id, "an event", 8, &a->audited, e);
        ward_arena_reset(&mem);
    }
    ward_arena_done(&mem);
    if (code == WARD_OK && a->fail)
        return WARD_FAIL(e, INTERNAL, "the act failed");
    return code;
}

static enum ward_code add_many(struct ward_db *on, void *arg, struct ward_err *e)
{
    struct adding *a = arg;
    struct ward_arena mem;
    struct ward_outbox_item *items;
    enum ward_code code;

    ward_arena_init(&mem, 8 << 20);
    items = ward_alloc(&mem, a->n * sizeof(*items));
    assert_non_null(items);
    for (uint32_t i = 0; i < a->n; i++) {
        uint32_t number = a->first + i;

        memcpy(items[i].event_id, &number, sizeof(number));
        items[i].event = "an event";
        items[i].n = i + 1 == a->empty ? 0 : 8;
    }
    code = ward_outbox_add_many(on, &mem, items, a->n, &a->audited, e);
    ward_arena_done(&mem);
    if (code == WARD_OK && a->fail)
        return WARD_FAIL(e, INTERNAL, "the act failed");
    return code;
}

static void put(uint32_t first, uint32_t n)
{
    struct adding a = {.first = first, .n = n};

    it_expect(ward_db_tx(db, add, &a, &err), WARD_OK, &err);
}

static int64_t waiting(void)
{
    return it_count(db, "SELECT COUNT(*) FROM ward_outbox");
}

/* ---- receivers ---- */

struct got {
    atomic_int seen[4096];
    int batches;
    enum ward_code say;
    uint32_t poison;
};

static enum ward_code accept_(void *arg, const struct ward_outbox_item *items, size_t n,
                              struct ward_err *e)
{
    struct got *g = arg;

    g->batches++;
    for (size_t i = 0; i < n; i++) {
        uint32_t number;

        memcpy(&number, items[i].event_id, sizeof(number));
        assert_int_equal(items[i].n, 8);
        assert_memory_equal(items[i].event, "an event", 8);
        if (number == g->poison)
            return WARD_FAIL(e, INVALID_ARGUMENT, "no event");
    }
    if (g->say != WARD_OK)
        return ward_err_set(e, g->say, __FILE__, __LINE__, "not today");
    for (size_t i = 0; i < n; i++) {
        uint32_t number;

        memcpy(&number, items[i].event_id, sizeof(number));
        atomic_fetch_add(&g->seen[number], 1);
    }
    return WARD_OK;
}

#endif
