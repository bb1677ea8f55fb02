#include "common/merkle/leaf.h"

#include "common/base/text.h"
#include "ward/audit/v1/audit.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct ward_leaf example(void)
{
    struct ward_leaf leaf = {.service = "identity", .appended_at_us = 1794000000123456};

    for (uint8_t i = 0; i < 16; i++)
        leaf.event_id[i] = i;
    memset(leaf.commitment, 0xc5, sizeof(leaf.commitment));
    return leaf;
}

/* A leaf's bytes are a valid message of audit.proto's type, so any protobuf library can read
 * them. */
static void a_leaf_is_the_message_of_the_proto(void **state)
{
    struct ward_leaf leaf = example();
    Ward__Audit__V1__Leaf msg = WARD__AUDIT__V1__LEAF__INIT;
    uint8_t ours[WARD_LEAF_MAX], theirs[WARD_LEAF_MAX];
    size_t n = ward_leaf_pack(&leaf, ours);

    (void)state;
    msg.version = WARD_LEAF_VERSION;
    msg.event_id = (ProtobufCBinaryData){16, leaf.event_id};
    msg.service = leaf.service;
    msg.appended_at_us = leaf.appended_at_us;
    msg.commitment = (ProtobufCBinaryData){sizeof(leaf.commitment), leaf.commitment};
    assert_int_equal(ward__audit__v1__leaf__pack(&msg, theirs), n);
    assert_memory_equal(ours, theirs, n);
}

static void a_leaf_comes_back_as_it_was_written(void **state)
{
    struct ward_leaf leaf = example(), back;
    uint8_t bytes[WARD_LEAF_MAX];

    (void)state;
    memset(leaf.service, 'x', WARD_LEAF_SERVICE);
    leaf.appended_at_us = INT64_MAX;
    assert_true(ward_leaf_parse(bytes, ward_leaf_pack(&leaf, bytes), &back));
    assert_memory_equal(&leaf, &back, sizeof(leaf));
}

static void what_pack_would_not_write_is_no_leaf(void **state)
{
    struct ward_leaf leaf = example(), back;
    uint8_t bytes[WARD_LEAF_MAX + 1] = {0}, odd[WARD_LEAF_MAX + 1];
    size_t n = ward_leaf_pack(&leaf, bytes);

    (void)state;
    for (size_t i = 0; i < n; i++)
        assert_false(ward_leaf_parse(bytes, i, &back)); /* cut */
    assert_false(ward_leaf_parse(bytes, n + 1, &back)); /* an additional byte */
    memcpy(odd, bytes, sizeof(odd));
    odd[1] = 2; /* another version */
    assert_false(ward_leaf_parse(odd, n, &back));
    /* The version as a two-byte varint: an equal number with different bytes, and so a
     * different hash. */
    odd[1] = 0x81;
    odd[2] = 0x00;
    memcpy(odd + 3, bytes + 2, n - 2);
    assert_false(ward_leaf_parse(odd, n + 1, &back));
}

/* A known answer: RFC 4231's construction, computed with Python's hmac module. */
static void a_commitment_is_an_hmac_under_the_salt(void **state)
{
    uint8_t salt[WARD_SALT_SIZE], want[WARD_SHA256_SIZE];
    struct ward_leaf leaf = example();

    (void)state;
    memset(salt, 0x0b, sizeof(salt));
    assert_true(ward_unhex("198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7",
                           want, sizeof(want)));
    ward_leaf_commit(salt, "Hi There", 8, leaf.commitment);
    assert_memory_equal(leaf.commitment, want, sizeof(want));
    assert_true(ward_leaf_holds(&leaf, salt, "Hi There", 8));
    assert_false(ward_leaf_holds(&leaf, salt, "Hi there", 8));
    salt[31] ^= 1;
    assert_false(ward_leaf_holds(&leaf, salt, "Hi There", 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leaf_is_the_message_of_the_proto),
        cmocka_unit_test(a_leaf_comes_back_as_it_was_written),
        cmocka_unit_test(what_pack_would_not_write_is_no_leaf),
        cmocka_unit_test(a_commitment_is_an_hmac_under_the_salt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
