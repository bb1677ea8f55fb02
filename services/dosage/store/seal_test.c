#include "services/dosage/store/owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct ward_arena mem;
static struct ward_err err;
static struct owner owner = {.id = {1}, .key = {2}};
static const uint8_t row_id[DOSAGE_ID] = {3};
static const ProtobufCMessageDescriptor *const type = &ward__dosage__v1__coding__descriptor;

static struct ward_val sealed(void)
{
    Ward__Dosage__V1__Coding c = WARD__DOSAGE__V1__CODING__INIT;
    struct ward_val out;

    c.code = (char *)(uintptr_t) "pain";
    assert_int_equal(owner_seal(&owner, &mem, "order", row_id, "1 2", &c.base, &out, &err),
                     WARD_OK);
    return out;
}

static int up(void **state)
{
    (void)state;
    ward_arena_init(&mem, 1 << 20);
    return 0;
}

static int down(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static void what_was_sealed_opens_as_what_it_was(void **state)
{
    struct ward_val s = sealed();
    ProtobufCMessage *msg = NULL;

    (void)state;
    assert_null(memmem(s.p, s.n, "pain", 4));
    assert_int_equal(owner_unseal(&owner, &mem, "order", row_id, "1 2", s, type, &msg, &err),
                     WARD_OK);
    assert_string_equal(((Ward__Dosage__V1__Coding *)msg)->code, "pain");
}

static void refused(const struct owner *o, const char *what, const uint8_t id[DOSAGE_ID],
                    const char *row, struct ward_val s)
{
    ProtobufCMessage *msg = NULL;

    err = (struct ward_err){0};
    assert_int_equal(owner_unseal(o, &mem, what, id, row, s, type, &msg, &err), WARD_DATA_LOSS);
    assert_string_equal(err.reason, "DOSE_UNREADABLE");
    assert_null(msg);
}

static void as_anything_else_it_does_not_open(void **state)
{
    const struct owner other = {.id = {9}, .key = {2}}, stranger = {.id = {1}, .key = {9}};
    const uint8_t other_row[DOSAGE_ID] = {4};
    struct ward_val s = sealed();
    char *changed = ward_alloc(&mem, s.n);

    (void)state;
    refused(&other, "order", row_id, "1 2", s);
    refused(&stranger, "order", row_id, "1 2", s);
    refused(&owner, "decision", row_id, "1 2", s);
    refused(&owner, "order", other_row, "1 2", s);
    refused(&owner, "order", row_id, "1 3", s);
    refused(&owner, "order", row_id, "", s);
    refused(&owner, "order", row_id, "1 2", ward_blob(s.p, s.n - 1));
    refused(&owner, "order", row_id, "1 2", ward_blob(s.p, WARD_SEAL_EXTRA - 1));
    refused(&owner, "order", row_id, "1 2", ward_text(NULL));
    for (size_t i = 0; i < s.n; i++) {
        memcpy(changed, s.p, s.n);
        changed[i] = (char)(changed[i] ^ 1);
        refused(&owner, "order", row_id, "1 2", ward_blob(changed, s.n));
    }
}

static void memory_that_runs_out_is_told(void **state)
{
    Ward__Dosage__V1__Coding c = WARD__DOSAGE__V1__CODING__INIT;
    struct ward_val s = sealed(), out;
    ProtobufCMessage *msg = NULL;

    (void)state;
    mem.fail_at = mem.calls + 1;
    assert_int_equal(owner_seal(&owner, &mem, "order", row_id, "", &c.base, &out, &err),
                     WARD_RESOURCE_EXHAUSTED);
    mem.fail_at = mem.calls + 1;
    assert_int_equal(owner_unseal(&owner, &mem, "order", row_id, "1 2", s, type, &msg, &err),
                     WARD_RESOURCE_EXHAUSTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_sealed_opens_as_what_it_was, up, down),
        cmocka_unit_test_setup_teardown(as_anything_else_it_does_not_open, up, down),
        cmocka_unit_test_setup_teardown(memory_that_runs_out_is_told, up, down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
