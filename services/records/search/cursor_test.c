#include "services/records/search/search.h"
#include "services/records/search/sql.h"

#include "common/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef Ward__Records__V1__SearchRequest SearchRequest;

#define NOW INT64_C(1772323200000000)

/* Replaces the service's hash key. */
static uint8_t service_key = 1;
enum ward_code ward_keyring_hash(struct ward_keyring *k, const char *what, const void *data,
                                 size_t n, uint8_t out[WARD_SHA256_SIZE], struct ward_err *err)
{
    const struct ward_bytes parts[] = {{&service_key, 1}, {what, strlen(what)}, {data, n}};

    (void)k, (void)err;
    ward_sha256_parts(parts, 3, out);
    return WARD_OK;
}

static struct ward_arena mem;

static int set_up(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)64 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static SearchRequest sealed(const struct cursor *c)
{
    SearchRequest q = WARD__RECORDS__V1__SEARCH_REQUEST__INIT;

    q.kind = WARD__RECORDS__V1__KIND__KIND_OBSERVATION;
    q.page_size = 7;
    assert_int_equal(cursor_seal(NULL, &mem, &q, "nurse-1", c, &q.page_token, NULL), WARD_OK);
    return q;
}

static enum ward_code open_at(const SearchRequest *q, const char *person, int64_t now_us)
{
    struct cursor out;

    return cursor_open(NULL, &mem, q, person, now_us, &out, NULL);
}

static void a_place_comes_back_as_it_went(void **state)
{
    static const int64_t at[] = {0, 1, -1, NO_DATE, DATE_SINCE, INT64_MAX, NOW};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(at); i++) {
        struct cursor c = {.asked_us = NOW, .at_us = at[i], .id = "0123456789abcde"}, out;
        SearchRequest q = sealed(&c);

        assert_int_equal(cursor_open(NULL, &mem, &q, "nurse-1", NOW, &out, NULL), WARD_OK);
        assert_memory_equal(&out, &c, sizeof(c));
    }
}

static void a_token_holds_for_a_day_one_person_one_request_and_one_key(void **state)
{
    struct cursor c = {.asked_us = NOW, .at_us = 5};
    SearchRequest q = sealed(&c), other;

    (void)state;
    assert_int_equal(open_at(&q, "nurse-1", NOW + CURSOR_LIFE_US), WARD_OK);
    assert_int_equal(open_at(&q, "nurse-1", NOW + CURSOR_LIFE_US + 1), WARD_INVALID_ARGUMENT);
    assert_int_equal(open_at(&q, "nurse-2", NOW), WARD_INVALID_ARGUMENT);
    assert_int_equal(open_at(&q, "", NOW), WARD_INVALID_ARGUMENT);
    other = q;
    other.page_size = 8;
    assert_int_equal(open_at(&other, "nurse-1", NOW), WARD_INVALID_ARGUMENT);
    other = q;
    other.include_entered_in_error = true;
    assert_int_equal(open_at(&other, "nurse-1", NOW), WARD_INVALID_ARGUMENT);
    service_key = 2;
    assert_int_equal(open_at(&q, "nurse-1", NOW), WARD_INVALID_ARGUMENT);
    service_key = 1;
    assert_int_equal(open_at(&q, "nurse-1", NOW), WARD_OK);
}

static void a_token_with_any_bit_changed_or_byte_missing_is_none(void **state)
{
    struct cursor c = {.asked_us = NOW, .at_us = 5};
    SearchRequest q = sealed(&c);
    char text[WARD_BASE64_SIZE(CURSOR_SIZE)];
    uint8_t token[CURSOR_SIZE];
    size_t len;

    (void)state;
    assert_true(ward_unbase64url(q.page_token, strlen(q.page_token), token, CURSOR_SIZE, &len));
    assert_int_equal(len, CURSOR_SIZE);
    q.page_token = text;
    for (size_t bit = 0; bit < (size_t)CURSOR_SIZE * 8; bit++) {
        token[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        ward_base64url(token, CURSOR_SIZE, text);
        assert_int_equal(open_at(&q, "nurse-1", NOW), WARD_INVALID_ARGUMENT);
        token[bit / 8] ^= (uint8_t)(1 << (bit % 8));
    }
    for (size_t n = 1; n < CURSOR_SIZE; n++) {
        ward_base64url(token, n, text);
        assert_int_equal(open_at(&q, "nurse-1", NOW), WARD_INVALID_ARGUMENT);
    }
    q.page_token = "this is not base64url!";
    assert_int_equal(open_at(&q, "nurse-1", NOW), WARD_INVALID_ARGUMENT);
}

/* A statement is prepared once for each address, so equal texts have the same address. After
 * the limit, sql_shape returns the caller's text. */
static void a_text_has_one_address_until_there_are_too_many(void **state)
{
    char text[32];
    const char *first = sql_shape("SELECT 1");
    int kept = 1;

    (void)state;
    snprintf(text, sizeof(text), "SELECT 1");
    assert_ptr_equal(sql_shape(text), first);
    for (int i = 2; i < 2 * SQL_SHAPES; i++) {
        snprintf(text, sizeof(text), "SELECT %d", i);
        kept += sql_shape(text) != text;
    }
    assert_int_equal(kept, SQL_SHAPES);
    assert_ptr_equal(sql_shape("SELECT 1"), first);
    assert_string_equal(sql_shape(text), text);
}

static struct ward_val letter(const void *arg, size_t i)
{
    return ward_blob((const char *)arg + i, 1);
}

static void a_list_is_filled_up_to_a_power_of_two_with_its_last(void **state)
{
    struct sql q;

    (void)state;
    assert_int_equal(sql_begin(&q, &mem, NULL), WARD_OK);
    sql_put(&q, "a IN ");
    sql_list(&q, letter, "xyz", 3);
    assert_string_equal(q.text, "a IN (?,?,?,?)");
    assert_int_equal(q.n_values, 4);
    assert_int_equal(*q.value[3].p, 'z');
    for (int i = 0; i < SQL_VALUES; i++)
        sql_bind(&q, ward_text("x"));
    assert_true(q.full);
    assert_int_equal(sql_run(&q, NULL, NULL, NULL), WARD_RESOURCE_EXHAUSTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_comes_back_as_it_went),
        cmocka_unit_test(a_token_holds_for_a_day_one_person_one_request_and_one_key),
        cmocka_unit_test(a_token_with_any_bit_changed_or_byte_missing_is_none),
        cmocka_unit_test(a_text_has_one_address_until_there_are_too_many),
        cmocka_unit_test(a_list_is_filled_up_to_a_power_of_two_with_its_last),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
