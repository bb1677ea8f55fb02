#include "services/audit/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1794000000000000)

static const uint8_t ID[16] = {1};

static struct audit_event good(void)
{
    return (struct audit_event){.id = ID,
                                .occurred_at_us = NOW,
                                .outcome = 1,
                                .service = "identity",
                                .action = "/ward.identity.v1.Identity/Verify",
                                .code = "",
                                .actor = "nurse-7",
                                .peer = "devices",
                                .patient = "",
                                .purpose = "TREAT",
                                .place = "ward 3, bed 2",
                                .trace_id = ""};
}

static enum ward_code check(const struct audit_event *e, const char *sender,
                            struct ward_err *err)
{
    *err = (struct ward_err){0};
    return audit_event_check(e, sender, NOW, err);
}

static void an_ordinary_event_may_enter(void **state)
{
    struct audit_event e = good();
    struct ward_err err;

    (void)state;
    assert_int_equal(check(&e, "identity", &err), WARD_OK);
    /* over a unix socket, the sender is not identified by a certificate */
    assert_int_equal(check(&e, "", &err), WARD_OK);
    /* names of people may contain characters outside ASCII */
    e.actor = "\xe5\xbc\xa0\xe4\xb8\x89";
    assert_int_equal(check(&e, "identity", &err), WARD_OK);
}

static void a_service_speaks_for_itself_alone(void **state)
{
    struct audit_event e = good();
    struct ward_err err;

    (void)state;
    assert_int_equal(check(&e, "records", &err), WARD_PERMISSION_DENIED);
    assert_string_equal(err.reason, "SERVICE_NOT_SENDER");
}

static void an_event_of_tomorrow_or_of_the_last_century_is_refused(void **state)
{
    struct audit_event e = good();
    struct ward_err err;

    (void)state;
    e.occurred_at_us = NOW + INT64_C(86400000000);
    assert_int_equal(check(&e, "identity", &err), WARD_OK);
    e.occurred_at_us++;
    assert_int_equal(check(&e, "identity", &err), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.field, "occurred_at_us");
    e.occurred_at_us = INT64_C(946684799999999);
    assert_int_equal(check(&e, "identity", &err), WARD_INVALID_ARGUMENT);
}

/* Tests each text field with each forbidden content. */
static void no_text_can_carry_a_control_character_or_more_than_its_length(void **state)
{
    static const struct {
        const char *field;
        size_t at, most;
    } texts[] = {{"service", offsetof(struct audit_event, service), 64},
                 {"action", offsetof(struct audit_event, action), 128},
                 {"code", offsetof(struct audit_event, code), 128},
                 {"actor", offsetof(struct audit_event, actor), 128},
                 {"peer", offsetof(struct audit_event, peer), 128},
                 {"patient", offsetof(struct audit_event, patient), 128},
                 {"purpose", offsetof(struct audit_event, purpose), 64},
                 {"place", offsetof(struct audit_event, place), 128}};
    static const char *const bad[] = {"a\nb", "\t", "\x1b[2J", "\x7f", "\xc2\x9b["};
    char longest[130];
    struct ward_err err;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(texts); i++) {
        struct audit_event e = good();
        const char **text = (const char **)(void *)((char *)&e + texts[i].at);

        for (size_t k = 0; k < WARD_COUNT(bad); k++) {
            *text = bad[k];
            assert_int_equal(check(&e, "", &err), WARD_INVALID_ARGUMENT);
            assert_string_equal(err.field, texts[i].field);
        }
        memset(longest, 'x', sizeof(longest));
        longest[texts[i].most] = '\0';
        *text = longest;
        assert_int_equal(check(&e, "", &err), WARD_OK);
        longest[texts[i].most] = 'x';
        longest[texts[i].most + 1] = '\0';
        assert_int_equal(check(&e, "", &err), WARD_INVALID_ARGUMENT);
        assert_string_equal(err.field, texts[i].field);
    }
}

static void details_are_few_short_and_differ(void **state)
{
    struct audit_pair many[33], twice[] = {{"score", "1"}, {"score", "2"}};
    static char keys[33][8];
    struct audit_event e = good();
    struct ward_err err;

    (void)state;
    for (int i = 0; i < 33; i++) {
        keys[i][0] = 'k';
        keys[i][1] = (char)('0' + i / 10);
        keys[i][2] = (char)('0' + i % 10);
        many[i] = (struct audit_pair){keys[i], "v"};
    }
    e.detail = many;
    e.n_detail = 32;
    assert_int_equal(check(&e, "", &err), WARD_OK);
    e.n_detail = 33;
    assert_int_equal(check(&e, "", &err), WARD_INVALID_ARGUMENT);
    e.detail = twice;
    e.n_detail = 2;
    assert_int_equal(check(&e, "", &err), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.field, "detail");
    twice[1].key = "a key";
    assert_int_equal(check(&e, "", &err), WARD_INVALID_ARGUMENT);
}

static void ids_outcomes_and_traces_have_one_shape(void **state)
{
    struct audit_event e = good();
    struct ward_err err;

    (void)state;
    e.id = NULL;
    assert_int_equal(check(&e, "", &err), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.field, "event_id");
    e = good();
    for (int outcome = -1; outcome <= 4; outcome++) {
        e.outcome = outcome;
        assert_int_equal(check(&e, "", &err),
                         outcome >= 1 && outcome <= 3 ? WARD_OK : WARD_INVALID_ARGUMENT);
    }
    e = good();
    e.trace_id = "0123456789abcdef0123456789abcdef";
    assert_int_equal(check(&e, "", &err), WARD_OK);
    e.trace_id = "0123456789ABCDEF0123456789abcdef";
    assert_int_equal(check(&e, "", &err), WARD_INVALID_ARGUMENT);
    e.trace_id = "0123";
    assert_int_equal(check(&e, "", &err), WARD_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ordinary_event_may_enter),
        cmocka_unit_test(a_service_speaks_for_itself_alone),
        cmocka_unit_test(an_event_of_tomorrow_or_of_the_last_century_is_refused),
        cmocka_unit_test(no_text_can_carry_a_control_character_or_more_than_its_length),
        cmocka_unit_test(details_are_few_short_and_differ),
        cmocka_unit_test(ids_outcomes_and_traces_have_one_shape),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
