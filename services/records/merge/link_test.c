#include "services/records/merge/merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define REPLACES    WARD__RECORDS__V1__PATIENT__LINK_TYPE__LINK_TYPE_REPLACES
#define REPLACED_BY WARD__RECORDS__V1__PATIENT__LINK_TYPE__LINK_TYPE_REPLACED_BY
#define ANNA        "01890000-0000-7000-8000-00000000000a"
#define BERTA       "01890000-0000-7000-8000-00000000000b"

static struct ward_arena mem;
static Patient patient;

static int set_up(void **state)
{
    (void)state;
    ward_arena_init(&mem, 1 << 16);
    ward__records__v1__patient__init(&patient);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static void add(Ward__Records__V1__Patient__LinkType type, const char *other)
{
    assert_int_equal(link_add(&mem, &patient, type, other, NULL), WARD_OK);
}

static void a_link_is_added_behind_those_that_are_there(void **state)
{
    (void)state;
    add(REPLACES, ANNA);
    add(REPLACES, BERTA);
    assert_int_equal(patient.n_link, 2);
    assert_string_equal(patient.link[0]->other->reference, "Patient/" ANNA);
    assert_string_equal(patient.link[1]->other->reference, "Patient/" BERTA);
    assert_int_equal(patient.link[1]->type, REPLACES);
}

static void only_the_link_of_this_merge_goes(void **state)
{
    (void)state;
    add(REPLACES, ANNA);
    add(REPLACES, BERTA);
    add(REPLACED_BY, ANNA);
    link_remove(&patient, REPLACES, ANNA);
    assert_int_equal(patient.n_link, 2);
    assert_string_equal(patient.link[0]->other->reference, "Patient/" BERTA);
    assert_int_equal(patient.link[1]->type, REPLACED_BY);
    link_remove(&patient, REPLACES, ANNA); /* the link is missing: no other link is removed */
    assert_int_equal(patient.n_link, 2);
}

static void links_that_name_nobody_are_left_alone(void **state)
{
    (void)state;
    add(REPLACES, ANNA);
    add(REPLACES, ANNA);
    patient.link[0]->other = NULL;
    patient.link[1]->other->reference = (char *)(uintptr_t) "Organization/7";
    link_remove(&patient, REPLACES, ANNA);
    assert_int_equal(patient.n_link, 2);
}

static void a_link_written_in_capitals_is_of_the_same_patient(void **state)
{
    (void)state;
    add(REPLACES, "01890000-0000-7000-8000-00000000000A");
    link_remove(&patient, REPLACES, ANNA);
    assert_int_equal(patient.n_link, 0);
}

static void active_comes_back_as_it_was(void **state)
{
    static const enum was_active ways[] = {WAS_NOT_SET, WAS_INACTIVE, WAS_ACTIVE};

    (void)state;
    assert_int_equal(active_of(&patient), WAS_NOT_SET);
    for (size_t i = 0; i < WARD_COUNT(ways); i++) {
        active_back(&patient, WAS_INACTIVE);
        assert_int_equal(active_of(&patient), WAS_INACTIVE);
        active_back(&patient, ways[i]);
        assert_int_equal(active_of(&patient), ways[i]);
    }
}

static void without_memory_there_is_no_link(void **state)
{
    (void)state;
    for (int n = 1; n <= 4; n++) {
        mem.fail_at = mem.calls + n;
        assert_int_equal(link_add(&mem, &patient, REPLACES, ANNA, NULL),
                         WARD_RESOURCE_EXHAUSTED);
        assert_int_equal(patient.n_link, 0);
    }
    mem.fail_at = 0;
    add(REPLACES, ANNA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_link_is_added_behind_those_that_are_there, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(only_the_link_of_this_merge_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_that_name_nobody_are_left_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_link_written_in_capitals_is_of_the_same_patient,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(active_comes_back_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory_there_is_no_link, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
