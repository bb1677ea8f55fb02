/* Amounts in the notation for nurses. */
#include "services/dosage/check/shown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define A(text) "\x01" text "\x02"

struct row {
    const char *in, *en, *zh;
};

static void amounts_are_in_the_words_of_the_language(void **state)
{
    static const struct row ROWS[] = {
        {"", "", ""},
        {"of 100000 ug", "of 100000 ug", "of 100000 ug"}, /* an unmarked amount is unchanged */
        {"give " A("125 ug") ".", "give 125 mcg.", "give 125 微克."},
        {A("5000 [IU]"), "5000 units", "5000 单位"},
        {A("50000 [IU]"), "50,000 units", "50,000 单位"},
        {A("1000000 ug"), "1,000,000 mcg", "1,000,000 微克"},
        {A("9999 mg"), "9999 mg", "9999 mg"},
        {A("10000.125 mg"), "10,000.125 mg", "10,000.125 mg"},
        {A("0.123456 mg"), "0.123456 mg", "0.123456 mg"},
        {A("123456"), "123,456", "123,456"},
        {A("0.5 ug/kg/min"), "0.5 mcg/kg/min", "0.5 微克/kg/分钟"},
        {A("20 meq") " " A("2 M[IU]"), "20 mEq 2 million units", "20 mEq 2 百万单位"},
        {A("1.5 {tablet}"), "1.5 tablet", "1.5 片"},
        {A("2 {sachet}"), "2 sachet", "2 sachet"},
        {A("75 mg/m2"), "75 mg/m²", "75 mg/m²"},
        {"\x01 never ends", "\x01 never ends", "\x01 never ends"},
    };
    struct ward_arena mem;

    (void)state;
    ward_arena_init(&mem, 65536);
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++) {
        assert_string_equal(shown(&mem, ROWS[i].in, false), ROWS[i].en);
        assert_string_equal(shown(&mem, ROWS[i].in, true), ROWS[i].zh);
    }
    ward_arena_done(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_are_in_the_words_of_the_language),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
