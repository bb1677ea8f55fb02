#include "common/measure/ucum.h"

#include "common/measure/synonyms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ward_ucum unit(const char *text)
{
    struct ward_ucum u = {.num = 0};
    struct ward_err err = {0};

    if (ward_ucum_parse(text, strlen(text), &u, &err) != WARD_OK)
        fail_msg("%s: %s", text, err.reason);
    return u;
}

static const struct {
    const char *text, *want; /* want NULL: rejected */
} spellings[] = {
    {"mg/dL", "mg/dL"},
    {"mmHg", "mm[Hg]"},
    {"mm Hg", "mm[Hg]"},
    {"bpm", "/min"},
    {"beats/min", "/min"},
    {"℃", "Cel"},
    {"°C", "Cel"},
    {"°F", "[degF]"},
    {"mcg", "ug"},
    {"MCG/kg/min", "ug/kg/min"},
    {"µg/L", "ug/L"},
    {"μg/L", "ug/L"},
    {"cc", "mL"},
    {"IU", "[IU]"},
    {"IU/L", "[IU]/L"},
    {"mIU/mL", "m[IU]/mL"},
    {"lbs", "[lb_av]"},
    {"10^9/L", "10*9/L"},
    {"10E9/L", "10*9/L"},
    {"10e9/L", "10*9/L"},
    {"x10^9/L", "10*9/L"},
    {"x10*9/L", "10*9/L"},
    {"X10E9/L", "10*9/L"},
    {"×10⁹/L", "10*9/L"},
    {"10¹²/L", "10*12/L"},
    {"10⁻¹²/L", "10*-12/L"},
    {"10^⁹/L", "10*9/L"},
    {"mcg{10^3}", "ug{10^3}"},
    {"x10(3)/uL", "10*3/uL"},
    {"10**9/L", "10*9/L"},
    {"*10^9/L", "10*9/L"},
    {"K/uL", "10*3/uL"},
    {"mEq/L", "meq/L"},
    {"mOsm/kg", "mosm/kg"},
    {"mM", "mmol/L"},
    {"kg/m²", "kg/m2"},
    {"kg/m^2", "kg/m2"},
    {"mL/min/1.73m2", "mL/min/{1.73_m2}"},
    {"mL/min/1.73 m²", "mL/min/{1.73_m2}"},
    {"mL / min", "mL/min"},
    {"  mg ", "mg"},
    {"次/分", "/min"},
    {"毫克/升", "mg/L"},
    {"个/μl", "{count}/ul"},
    {"岁", "a"},
    {"ｍｇ／ｄＬ", "mg/dL"},
    {"％", "%"},
    {"㎎/㎗", "mg/dL"},
    {"cells/uL", "{cells}/uL"},
    {"/hpf", "/[HPF]"},
    {"units", NULL},
    {"gr", NULL},
    {"kilobananas", NULL},
    {"x10/L", NULL},
    {"5", "5"},
    {"7.2 mg", NULL},
    {"", NULL},
    {" ", NULL},
    {"\xff", NULL},
    {"\xef\xbc", NULL},
};

static void what_hospitals_write_becomes_ucum(void **state)
{

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(spellings); i++) {
        char out[WARD_UCUM_SIZE] = "-";
        bool changed = false;
        enum ward_code code = ward_ucum_normalise(spellings[i].text, strlen(spellings[i].text),
                                                  out, &changed, NULL);

        if (strcmp(out, spellings[i].want == NULL ? "-" : spellings[i].want) != 0)
            fail_msg("%s gave %s", spellings[i].text, out);
        assert_true((code == WARD_OK) == (spellings[i].want != NULL));
        if (code == WARD_OK)
            assert_true(changed == (strcmp(spellings[i].text, out) != 0));
    }
}

/* family: a unit of the quantity that the spelling measures; NULL: the spelling is ambiguous
 * and is rejected. times: the size of one unit of the spelling in units of the family. */
static const struct {
    const char *text, *family, *times;
} families[] = {
    {"M/cumm", "/L", "1000000000000"},
    {"M/cu mm", "/L", "1000000000000"},
    {"M/cmm", "/L", "1000000000000"},
    {"M/mm3", "/L", "1000000000000"},
    {"M/mm^3", "/L", "1000000000000"},
    {"M/mm³", "/L", "1000000000000"},
    {"M/uL", "/L", "1000000000000"},
    {"M/µL", "/L", "1000000000000"},
    {"M/mcl", "/L", "1000000000000"},
    {"M/mcL", "/L", "1000000000000"},
    {"M/MCL", "/L", "1000000000000"},
    {"M/mL", "/L", "1000000000"},
    {"M/ml", "/L", "1000000000"},
    {"K/uL", "/L", "1000000000"},
    {"K/µL", "/L", "1000000000"},
    {"K/mcL", "/L", "1000000000"},
    {"K/mcl", "/L", "1000000000"},
    {"k/ul", "/L", "1000000000"},
    {"K/mm3", "/L", "1000000000"},
    {"K/mm^3", "/L", "1000000000"},
    {"K/mm³", "/L", "1000000000"},
    {"K/cmm", "/L", "1000000000"},
    {"K/cumm", "/L", "1000000000"},
    {"K/cu mm", "/L", "1000000000"},
    {"T/L", "/L", "1000000000000"},
    {"mM", "mol/L", "0.001"},
    {"uM", "mol/L", "0.000001"},
    {"nM", "mol/L", "0.000000001"},
    {"pH", "[pH]", "1"},
    {"PH", "[pH]", "1"},
    {"ph", "[pH]", "1"},
    {"Ph", "[pH]", "1"},
    {"ft", "m", "0.3048"},
    {"FT", "m", "0.3048"},
    {"mg/dL", "g/L", "0.01"},
    {"mg/dl", "g/L", "0.01"},
    {"mg%", "g/L", "0.01"},
    {"ng/mL", "g/L", "0.000001"},
    {"KG", "g", "1000"},
    {"cm", "m", "0.01"},
    {"mL", "L", "0.001"},
    {"U/L", "U/L", "1"},
    {"U/mL", "U/L", "1000"},
    {"IU/mL", "[IU]/L", "1000"},
    {"uIU/mL", "[IU]/L", "0.001"},
    {"mEq/L", "eq/L", "0.001"},
    {"mmHg", "mm[Hg]", "1"},
    {"MBq", "Bq", "1000000"},
    {"MHz", "Hz", "1000000"},
    {"mS/cm", "S/m", "0.1"},
    {"cP", "Pa.s", "0.001"},
    {"M", NULL, NULL},
    {"M/L", NULL, NULL},
    {"m/M", NULL, NULL},
    {"mM/L", NULL, NULL},
    {"uM/L", NULL, NULL},
    {"nM/L", NULL, NULL},
    {"pM/L", NULL, NULL},
    {"mM/kg", NULL, NULL},
    {"mm/L", NULL, NULL},
    {"K", NULL, NULL},
    {"K/L", NULL, NULL},
    {"K/mL", NULL, NULL},
    {"mK", NULL, NULL},
    {"G", NULL, NULL},
    {"G/L", NULL, NULL},
    {"G/l", NULL, NULL},
    {"G/dL", NULL, NULL},
    {"MG", NULL, NULL},
    {"MG/dL", NULL, NULL},
    {"mG", NULL, NULL},
    {"uG", NULL, NULL},
    {"kG", NULL, NULL},
    {"Mg", NULL, NULL},
    {"Mg/dL", NULL, NULL},
    {"Mg/kg", NULL, NULL},
    {"Pg", NULL, NULL},
    {"Gm/dL", NULL, NULL},
    {"ML", NULL, NULL},
    {"Ml", NULL, NULL},
    {"ML/min", NULL, NULL},
    {"ML/h", NULL, NULL},
    {"U/ML", NULL, NULL},
    {"IU/ML", NULL, NULL},
    {"uIU/ML", NULL, NULL},
    {"mIU/ML", NULL, NULL},
    {"ng/ML", NULL, NULL},
    {"pg/ML", NULL, NULL},
    {"ug/ML", NULL, NULL},
    {"10^6/ML", NULL, NULL},
    {"Mmol/L", NULL, NULL},
    {"Meq/L", NULL, NULL},
    {"u", NULL, NULL},
    {"u/l", NULL, NULL},
    {"u/L", NULL, NULL},
    {"ku/L", NULL, NULL},
    {"mu/L", NULL, NULL},
    {"AU/mL", NULL, NULL},
    {"U", NULL, NULL},
    {"U/hr", NULL, NULL},
    {"U/kg/h", NULL, NULL},
    {"C", NULL, NULL},
    {"F", NULL, NULL},
    {"deg", NULL, NULL},
    {"°", NULL, NULL},
    {"T", NULL, NULL},
    {"t", NULL, NULL},
    {"pt", NULL, NULL},
    {"st", NULL, NULL},
    {"H", NULL, NULL},
    {"mg/H", NULL, NULL},
    {"S", NULL, NULL},
    {"P", NULL, NULL},
    {"b/min", NULL, NULL},
    {"B", NULL, NULL},
    {"pc", NULL, NULL},
    {"pm", NULL, NULL},
    {"am", NULL, NULL},
    {"as", NULL, NULL},
    {"hs", NULL, NULL},
    {"'", NULL, NULL},
    {"5''", NULL, NULL},
    {"Gal", NULL, NULL},
    {"mg.K", NULL, NULL},
    {"mg/(M)", NULL, NULL},
    {"mg{dry}/ML", NULL, NULL},
};

static void a_spelling_never_becomes_what_its_family_does_not_measure(void **state)
{
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(families); i++) {
        const char *text = families[i].text;
        char out[WARD_UCUM_SIZE] = "nothing";
        enum ward_code code = ward_ucum_normalise(text, strlen(text), out, NULL, NULL);
        struct ward_decimal one = ward_decimal_of(1, 0), x, want;
        struct ward_ucum is, of;

        if ((code == WARD_OK) != (families[i].family != NULL))
            fail_msg("%s became %s", text, out);
        if (ward_ucum_doubtful(text, strlen(text)) && code == WARD_OK)
            fail_msg("%s is taken and doubted", text);
        if (code != WARD_OK)
            continue;
        is = unit(out);
        of = unit(families[i].family);
        if (ward_ucum_convert(&one, &is, &of, &x, NULL) != WARD_OK)
            fail_msg("%s became %s, which is no %s", text, out, families[i].family);
        assert_int_equal(
            ward_decimal_parse(families[i].times, strlen(families[i].times), &want, NULL),
            WARD_OK);
        if (ward_decimal_cmp(&x, &want) != 0)
            fail_msg("%s became %s: not %s %s", text, out, families[i].times,
                     families[i].family);
    }
}

/* Tries every atom with every capital prefix. Hospitals measure only in the listed units. Pa is
 * listed because the text is also peta-year. */
static void a_capital_prefix_is_taken_only_where_it_is_used(void **state)
{
    static const char *const prefixes[] = {"Y", "Z", "E", "P", "T", "G", "M"};
    static const char *const used[] = {"MPa", "MJ",  "MHz", "GHz", "MOhm", "MBq",
                                       "GBq", "MeV", "MBy", "GBy", "Pa"};
    const char *atom;
    bool takes;
    size_t taken = 0;

    (void)state;
    for (size_t i = 0; (atom = ward_ucum_atom(i, &takes)) != NULL; i++)
        for (size_t k = 0; k < WARD_COUNT(prefixes); k++) {
            char text[64], out[WARD_UCUM_SIZE];
            bool is = false;

            snprintf(text, sizeof(text), "%s%s", prefixes[k], atom);
            if (strchr(atom, '[') != NULL ||
                ward_ucum_normalise(text, strlen(text), out, NULL, NULL) != WARD_OK ||
                strcmp(text, out) != 0)
                continue;
            for (size_t u = 0; u < WARD_COUNT(used); u++)
                is = is || strcmp(used[u], text) == 0;
            if (!is)
                fail_msg("%s is taken", text);
            taken++;
        }
    assert_int_equal(taken, WARD_COUNT(used));
}

static void what_is_no_unit_at_all_is_not_doubted(void **state)
{
    static const char *const doubted[] = {"U/ML", "uIU/ML", "10^6/ML", "C", "mcg/ML"};
    static const char *const none[] = {"smiles", "", "mg", "mmHg", "K/uL", "units"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(doubted); i++)
        assert_true(ward_ucum_doubtful(doubted[i], strlen(doubted[i])));
    for (size_t i = 0; i < WARD_COUNT(none); i++)
        assert_false(ward_ucum_doubtful(none[i], strlen(none[i])));
}

static void every_synonym_means_a_unit(void **state)
{
    const char *from, *to;
    int codes = 0;

    (void)state;
    for (size_t i = 0; (from = ward_ucum_synonym(i, &to)) != NULL; i++) {
        char out[WARD_UCUM_SIZE];

        if (strspn(to, "^x-0123456789. ") == strlen(to) || strcmp(to, "u") == 0)
            continue; /* a character mark, not a unit */
        if (ward_ucum_normalise(from, strlen(from), out, NULL, NULL) != WARD_OK)
            fail_msg("%s is not read", from);
        (void)unit(out);
        codes++;
    }
    assert_true(codes > 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_hospitals_write_becomes_ucum),
        cmocka_unit_test(a_spelling_never_becomes_what_its_family_does_not_measure),
        cmocka_unit_test(a_capital_prefix_is_taken_only_where_it_is_used),
        cmocka_unit_test(what_is_no_unit_at_all_is_not_doubted),
        cmocka_unit_test(every_synonym_means_a_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
