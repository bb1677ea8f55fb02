/* Effects of overrides on findings. */
#include "services/dosage/check/check_testing.h"

static const char SET[] =
    "title: 't' notice: 'n'\n"
    "reasons { code: 'benefit' name { en: 'b' zh: 'b' } uses: USE_OVERRIDE_WARN\n"
    "  roles: 'physician' roles: 'pharmacist' }\n"
    "reasons { code: 'anybody' name { en: 'a' zh: 'a' } uses: USE_OVERRIDE_WARN }\n"
    "reasons { code: 'expert' name { en: 'e' zh: 'e' } uses: USE_OVERRIDE_HARD\n"
    "  roles: 'physician' }\n"
    "reasons { code: 'asleep' name { en: 's' zh: 's' } uses: USE_NOT_GIVEN }\n";

static const char FOUND[] =
    "findings { rule_id: 'never' severity: SEVERITY_HARD final: true }\n"
    "findings { rule_id: 'stop' severity: SEVERITY_HARD }\n"
    "findings { rule_id: 'stop' severity: SEVERITY_HARD }\n"
    "findings { rule_id: 'mind' severity: SEVERITY_WARN }\n"
    "findings { rule_id: 'note' severity: SEVERITY_INFO }\n";

struct opening {
    struct ward_arena mem;
    struct ruleset *rules;
};

static int set_up(void **state)
{
    static struct opening o;
    struct ruleset_problems problems;
    char sha[65] = "";

    ward_arena_init(&o.mem, (size_t)16 << 20);
    assert_int_equal(ruleset_make(pb(&o.mem, &ward__dosage__v1__rule_set__descriptor, SET), sha,
                                  &o.rules, &problems, NULL),
                     WARD_OK);
    *state = &o;
    return 0;
}

static int tear_down(void **state)
{
    struct opening *o = *state;

    ruleset_free(o->rules);
    ward_arena_done(&o->mem);
    return 0;
}

/* Applies overrides ("rule=reason rule=reason"). Returns the ids that remain open, or the
 * reason of a refusal. */
static const char *left(void **state, const char *found, const char *overrides,
                        const char *role, bool second)
{
    struct opening *o = *state;
    Ward__Dosage__V1__Decision *d = pb(&o->mem, &ward__dosage__v1__decision__descriptor, found);
    struct check_who who = {.roles = &role, .n_roles = 1, .second = second};
    Ward__Dosage__V1__Override list[4], *at[4];
    struct ward_err err = {0};
    char **open;
    const char *out = "";
    size_t n = 0, n_open;

    for (const char *s = overrides; *s != '\0'; n++) {
        size_t rule = strcspn(s, "="), reason = strcspn(s + rule + 1, " ");

        ward__dosage__v1__override__init(&list[n]);
        list[n].rule_id = ward_printf(&o->mem, "%.*s", (int)rule, s);
        list[n].reason_code = ward_printf(&o->mem, "%.*s", (int)reason, s + rule + 1);
        at[n] = &list[n];
        s += rule + 1 + reason;
        s += *s == ' ';
    }
    if (check_open(o->rules, d, at, n, &who, &o->mem, &open, &n_open, &err) != WARD_OK)
        return ward_printf(&o->mem, "%s", err.reason);
    for (size_t i = 0; i < n_open; i++)
        out = ward_printf(&o->mem, "%s%s%s", out, i == 0 ? "" : " ", open[i]);
    return out;
}

#define LEFT(found, overrides, role, second, want)                                             \
    assert_string_equal(left(state, found, overrides, role, second), want)

static const char *less(const char *without_never)
{
    return strchr(without_never, '\n') + 1;
}

static void what_is_not_overridden_stands(void **state)
{
    LEFT(FOUND, "", "physician", true, "never stop mind");
    LEFT(FOUND, "mind=benefit", "physician", false, "never stop");
    LEFT(less(FOUND), "mind=anybody stop=expert", "physician", true, "");
    LEFT(less(FOUND), "mind=anybody", "nurse", true, "stop");
}

static void a_hard_stop_needs_two(void **state)
{
    LEFT(less(FOUND), "mind=benefit stop=expert", "physician", false, "stop");
    LEFT(less(FOUND), "mind=benefit stop=expert", "physician", true, "");
}

static void an_override_is_of_what_was_found_once(void **state)
{
    LEFT(FOUND, "other=benefit", "physician", true, "OVERRIDE_UNUSED");
    LEFT(FOUND, "note=benefit", "physician", true, "OVERRIDE_UNUSED");
    LEFT(FOUND, "never=expert", "physician", true, "OVERRIDE_UNUSED");
    LEFT(FOUND, "mind=benefit mind=anybody", "physician", true, "OVERRIDE_UNUSED");
}

static void a_reason_is_for_its_use_and_its_roles(void **state)
{
    LEFT(FOUND, "mind=nobody", "physician", true, "REASON_UNKNOWN");
    LEFT(FOUND, "mind=asleep", "physician", true, "REASON_UNKNOWN");
    LEFT(FOUND, "mind=expert", "physician", true, "REASON_UNKNOWN");
    LEFT(FOUND, "stop=benefit", "physician", true, "REASON_UNKNOWN");
    LEFT(FOUND, "mind=benefit", "nurse", true, "OVERRIDE_ROLE");
    LEFT(FOUND, "stop=expert", "pharmacist", true, "OVERRIDE_ROLE");
}

static void a_second_person_is_for_hard_stops_that_can_be_overridden(void **state)
{
    struct opening *o = *state;
    static const struct {
        const char *found;
        bool want;
    } rows[] = {{FOUND, true},
                {"", false},
                {"findings { rule_id: 'never' severity: SEVERITY_HARD final: true }", false},
                {"findings { rule_id: 'mind' severity: SEVERITY_WARN }", false}};

    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        assert_int_equal(check_needs_second(pb(&o->mem, &ward__dosage__v1__decision__descriptor,
                                               rows[i].found)),
                         rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_overridden_stands),
        cmocka_unit_test(a_hard_stop_needs_two),
        cmocka_unit_test(an_override_is_of_what_was_found_once),
        cmocka_unit_test(a_reason_is_for_its_use_and_its_roles),
        cmocka_unit_test(a_second_person_is_for_hard_stops_that_can_be_overridden),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
