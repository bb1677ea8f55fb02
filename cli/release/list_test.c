#include "cli/release/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define HEX    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD   "ward-release/1\nversion 1.2.0\ncommit 0123456789abcdef0123456789abcdef01234567\n"
#define A_FILE "file " HEX " 12 sbom/audit.spdx.json\n"
#define IMG    "image " HEX " audit\n"

static struct release r;
static struct ward_err err;

static enum ward_code parse(const char *text)
{
    return release_parse(text, strlen(text), &r, &err);
}

static void a_list_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse(HEAD A_FILE IMG "image " HEX " audit-gpu\n"), WARD_OK);
    assert_string_equal(r.version, "1.2.0");
    assert_int_equal(r.n_files, 1);
    assert_int_equal(r.files[0].size, 12);
    assert_string_equal(r.files[0].name, "sbom/audit.spdx.json");
    assert_int_equal(r.n_images, 2);
    assert_string_equal(r.images[1].name, "audit-gpu");
}

static void a_list_that_is_not_exactly_so_is_refused(void **state)
{
    static const char *const BAD[] = {
        "",
        "ward-release/2\nversion 1\ncommit 0123456789abcdef0123456789abcdef01234567\n",
        "ward-release/1\n",
        "ward-release/1\nversion 1.2.0\n",
        "ward-release/1\nversion \ncommit 0123456789abcdef0123456789abcdef01234567\n",
        "ward-release/1\nversion 1 2\ncommit 0123456789abcdef0123456789abcdef01234567\n",
        "ward-release/1\nversion 1\ncommit 0123\n",
        HEAD IMG A_FILE,    /* the items are not sorted */
        HEAD A_FILE A_FILE, /* twice */
        HEAD IMG IMG,       /* twice */
        HEAD "file " HEX " 12 b\nfile " HEX " 12 a\n",
        HEAD "file " HEX " -1 a\n",
        HEAD "file " HEX " 12  a\n",
        HEAD "file " HEX " 12 /etc/passwd\n",
        HEAD "file " HEX " 12 a/../b\n",
        HEAD "file " HEX " 12 ../b\n",
        HEAD "file " HEX " 12 a//b\n",
        HEAD "file " HEX " 12 ./b\n",
        HEAD "file " HEX " 12 a/\n",
        HEAD "file " HEX "0 12 a\n",
        HEAD "file ABCDEF6789abcdef0123456789abcdef0123456789abcdef0123456789abcdef 1 a\n",
        HEAD "image " HEX " Audit\n",
        HEAD "image " HEX " audit more\n",
        HEAD "link " HEX " audit\n",
        HEAD "image " HEX " audit", /* the last line has no newline */
        HEAD "\n",
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(BAD); i++) {
        if (parse(BAD[i]) == WARD_OK)
            fail_msg("case %zu was accepted", i);
    }
    assert_int_equal(release_parse(HEAD "file\0", strlen(HEAD) + 5, &r, &err),
                     WARD_INVALID_ARGUMENT);
}

static void more_items_than_there_may_be_are_refused(void **state)
{
    static char text[RELEASE_MOST * 128];
    size_t n = (size_t)snprintf(text, sizeof(text), HEAD);

    (void)state;
    for (int i = 0; i < RELEASE_MOST; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "file " HEX " 1 f%03d\n", i);
    assert_int_equal(parse(text), WARD_OK);
    snprintf(text + n, sizeof(text) - n, "file " HEX " 1 f%03d\n", RELEASE_MOST);
    assert_int_equal(parse(text), WARD_INVALID_ARGUMENT);
}

static void what_is_printed_is_read_back_in_order(void **state)
{
    static struct release made = {
        .version = "1", .commit = "0123456789abcdef0123456789abcdef01234567", .n_files = 2};
    struct ward_arena mem;
    char *text;

    (void)state;
    ward_arena_init(&mem, (size_t)1 << 20);
    made.files[0] = (struct release_item){.sha256 = HEX, .name = "b", .size = 2};
    made.files[1] = (struct release_item){.sha256 = HEX, .name = "a", .size = 1};
    assert_int_equal(release_print(&made, &mem, &text, &err), WARD_OK);
    assert_int_equal(parse(text), WARD_OK);
    assert_string_equal(r.files[0].name, "a");
    made.files[0].name[0] = '/';
    assert_int_equal(release_print(&made, &mem, &text, &err), WARD_INVALID_ARGUMENT);
    ward_arena_done(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_read),
        cmocka_unit_test(a_list_that_is_not_exactly_so_is_refused),
        cmocka_unit_test(more_items_than_there_may_be_are_refused),
        cmocka_unit_test(what_is_printed_is_read_back_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
