#include "services/dosage/rules.h"

#include <string.h>

#define NAME_MAX_LEN 64

bool rule_purpose_passes(const char *purpose)
{
    return strcmp(purpose, "ETREAT") == 0;
}

bool rule_purpose(const char *purpose)
{
    return strcmp(purpose, "TREAT") == 0 || strcmp(purpose, "CAREMGT") == 0 ||
           rule_purpose_passes(purpose);
}

enum rule_step rule_order_step(enum order_state from, enum order_state to)
{
    static const enum rule_step TABLE[ORDER_STATES][ORDER_STATES] = {
        [ORDER_DRAFT] = {[ORDER_ACTIVE] = STEP_YES,
                         [ORDER_CANCELLED] = STEP_YES,
                         [ORDER_WRONG] = STEP_WITHOUT_DOSES},
        [ORDER_ACTIVE] = {[ORDER_ON_HOLD] = STEP_YES,
                          [ORDER_STOPPED] = STEP_YES,
                          [ORDER_COMPLETED] = STEP_YES,
                          [ORDER_CANCELLED] = STEP_WITHOUT_DOSES,
                          [ORDER_WRONG] = STEP_WITHOUT_DOSES},
        [ORDER_ON_HOLD] = {[ORDER_ACTIVE] = STEP_YES,
                           [ORDER_STOPPED] = STEP_YES,
                           [ORDER_CANCELLED] = STEP_WITHOUT_DOSES,
                           [ORDER_WRONG] = STEP_WITHOUT_DOSES},
        [ORDER_STOPPED] = {[ORDER_WRONG] = STEP_WITHOUT_DOSES},
        [ORDER_COMPLETED] = {[ORDER_WRONG] = STEP_WITHOUT_DOSES},
        [ORDER_CANCELLED] = {[ORDER_WRONG] = STEP_WITHOUT_DOSES},
    };

    if (from <= ORDER_NONE || from >= ORDER_STATES || to <= ORDER_NONE || to >= ORDER_STATES)
        return STEP_NO;
    return TABLE[from][to];
}

bool rule_home_needs_reason(enum home_decision d)
{
    return d == HOME_CHANGE || d == HOME_STOP || d == HOME_HOLD;
}

bool rule_home_has_order(enum home_decision d)
{
    return d == HOME_CONTINUE || d == HOME_CHANGE;
}

bool rule_order_changes(enum order_state state)
{
    return state == ORDER_DRAFT || state == ORDER_ACTIVE || state == ORDER_ON_HOLD;
}

static bool only(const char *s, const char *allowed)
{
    size_t n = strlen(s);

    return n > 0 && n <= NAME_MAX_LEN && strspn(s, allowed) == n;
}

#define GIVEN_BACK_US (INT64_C(15) * 60 * 1000000)

static bool given_within(int64_t given_at_us, int64_t now_us, int64_t since_us, int64_t back_us)
{
    int64_t from = since_us > 0 && since_us < now_us ? since_us : now_us;

    return given_at_us <= now_us && given_at_us >= from - back_us;
}

bool rule_given_at(int64_t given_at_us, int64_t now_us, int64_t since_us)
{
    return given_within(given_at_us, now_us, since_us, GIVEN_BACK_US);
}

bool rule_given_late(int64_t given_at_us, int64_t now_us, int64_t since_us, int most_minutes)
{
    return given_within(given_at_us, now_us, since_us, most_minutes * INT64_C(60000000));
}

bool rule_is_ward(const char *name)
{
    return only(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
}

bool rule_is_word(const char *s)
{
    return only(s, "abcdefghijklmnopqrstuvwxyz0123456789-");
}

bool rule_ward(const char *const *roles, int n_roles, const char *own, const char *asked)
{
    for (int i = 0; i < n_roles; i++)
        if (strcmp(roles[i], "pharmacist") == 0)
            return true;
    return *own != '\0' && strcmp(own, asked) == 0;
}

void rule_person(const char *subject, char out[RULE_PERSON])
{
    size_t n;

    subject += strspn(subject, " ");
    n = strnlen(subject, RULE_PERSON - 1);
    while (n > 0 && subject[n - 1] == ' ')
        n--;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(subject[i] >= 'A' && subject[i] <= 'Z' ? subject[i] - 'A' + 'a'
                                                               : subject[i]);
    out[n] = '\0';
}

bool rule_same_person(const char *a, const char *b)
{
    char one[RULE_PERSON], other[RULE_PERSON];

    rule_person(a, one);
    rule_person(b, other);
    return strcmp(one, other) == 0;
}

#define FRESH_S 300
#define AHEAD_S 30

bool rule_fresh_token(int64_t issued_s, int64_t now_us)
{
    int64_t now_s = now_us / 1000000;

    return issued_s > 0 && issued_s <= now_s + AHEAD_S && now_s - issued_s < FRESH_S;
}
