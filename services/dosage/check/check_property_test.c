/* Properties that hold for every order and every patient, tested on random cases with a fixed
 * seed. */
#include "services/dosage/check/check_world.h"

#define ROUNDS 3000

static uint64_t seed;

static uint32_t chance(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

#define ONE_OF(list) (list)[chance(WARD_COUNT(list))]

/* ---- random patients and orders ---- */

static const char *some_decimal(struct ward_arena *mem, uint32_t most)
{
    return chance(2) == 0 ? ward_printf(mem, "%u", 1 + chance(most))
                          : ward_printf(mem, "%u.%u", chance(most), 1 + chance(999));
}

static const char *some_dose(struct ward_arena *mem)
{
    static const char *const units[] = {"mg", "mg", "mg", "g",        "ug",
                                        "kg", "mL", "m",  "{tablet}", "[lb_av]"};
    static const uint32_t mosts[] = {10, 1000, 20000};

    return ward_printf(mem, "%s %s", some_decimal(mem, ONE_OF(mosts)), ONE_OF(units));
}

static const char *some_what(struct ward_arena *mem, const char *dose)
{
    static const char *const drugs[] = {"para",   "para",  "co",    "morphine", "kidney",
                                        "filter", "chemo", "norad", "bare",     "gone"};
    static const char *const products[] = {"", "", "para-500", "para-syrup", "co-8", "co-30"};
    static const char *const timings[] = {
        ONCE,
        EVERY("360"),
        EVERY("30"),
        "timing { kind: KIND_TIMES times: '08:00' times: '20:00' } ",
        "timing { kind: KIND_AS_NEEDED } as_needed { reason { code: "
        "'pain' } max_doses_per_24h: 4 min_interval_minutes: 60 } ",
        EVERY("720") FEVER};
    static const char *const ends[] = {"", "", "ends_at_us: 1800100000000000 ",
                                       "starts_at_us: 1799900000000000 "};

    return ward_printf(mem,
                       "prescription { drug_id: '%s' product_id: '%s' dose: '%s' "
                       "route: ROUTE_PO %s %s } ",
                       ONE_OF(drugs), ONE_OF(products), dose, ONE_OF(timings), ONE_OF(ends));
}

static const char *some_allergy(struct ward_arena *mem)
{
    static const char *const texts[] = {"para", "codeine", "可待因", "dust", "opioid", "x", ""};

    return ward_printf(mem, "allergies { record_id: 'al%u' text: '%s' } ", chance(9),
                       ONE_OF(texts));
}

static const char *some_facts(struct ward_arena *mem)
{
    static const char *const births[] = {"1970-01-01", "1950", "2020-01-15",
                                         "2027-01-01", "",     "2009"};
    static const char *const states[] = {"CURRENT", "CURRENT", "CURRENT", "STALE",
                                         "UNAVAILABLE"};
    static const char *const sexes[] = {"MALE", "FEMALE", "OTHER"};
    const char *f = ward_printf(mem, "state: CHART_STATE_%s birth_date: '%s' sex: SEX_%s ",
                                ONE_OF(states), ONE_OF(births), ONE_OF(sexes));

    for (uint32_t n = chance(3); n > 0; n--)
        f = ward_printf(mem,
                        "%s weights { quantity: '%u kg' at_us: %u000000 record_id: 'w%u' } ", f,
                        1 + chance(150), 1799000000 + chance(1000000), n);
    if (chance(2) == 0)
        f = ward_printf(mem, "%s " HEIGHT("170 cm"), f);
    if (chance(2) == 0)
        f = ward_printf(mem, "%s " CREATININE("120 umol/L"), f);
    if (chance(2) == 0)
        f = ward_printf(mem, "%s " EGFR("50 mL/min"), f);
    for (uint32_t n = chance(4); n > 0; n--)
        f = ward_printf(mem, "%s %s", f, some_allergy(mem));
    return f;
}

static const char *some_running(struct ward_arena *mem, uint32_t id)
{
    return ward_printf(mem, "running { order_id: 'o%u' %s } ", id,
                       some_what(mem, some_dose(mem)));
}

static const char *some_beside(struct ward_arena *mem)
{
    const char *s = "";

    for (uint32_t n = chance(5); n > 0; n--)
        s = ward_printf(mem, "%s %s", s, some_running(mem, n));
    for (uint32_t n = chance(6); n > 0; n--)
        s = ward_printf(mem,
                        "%s given { administration_id: 'g%u' order_id: 'o%u' drug_id: '%s' "
                        "dose: '%s' given_at_us: %u000000 } ",
                        s, n, chance(8), chance(2) == 0 ? "para" : "filter", some_dose(mem),
                        1799800000 + chance(200000));
    if (chance(4) == 0)
        s = ward_printf(mem, "%s lifetime { ingredient: 'chemo' amount: '%s' } ", s,
                        some_dose(mem));
    return s;
}

static const char *some_head(struct ward_arena *mem)
{
    return ward_printf(mem, "at_us: " NOW " purpose: CHECK_PURPOSE_%s order_id: '%s' ",
                       chance(3) == 0 ? "GIVE" : "PLACE", chance(2) == 0 ? "" : "o7");
}

static const char *some_snapshot(struct ward_arena *mem)
{
    return ward_printf(mem, "%s facts { %s } %s %s", some_head(mem), some_facts(mem),
                       some_what(mem, some_dose(mem)), some_beside(mem));
}

/* ---- units ---- */

/* Chains of exact conversions: every chain returns the original dose. */
static void no_way_through_units_changes_a_dose(void **state)
{
    static const char *const masses[] = {"mg", "g",       "ug",      "ng",
                                         "kg", "[lb_av]", "[oz_av]", "dg"};
    static const char *const volumes[] = {"mL", "L", "dL", "uL", "cm3", "m3"};
    static const char *const rates[] = {"mg/h", "ug/min", "g/d", "ng/s", "mg/min"};
    struct bench *b = *state;
    int steps = 0;

    seed = 1;
    for (int i = 0; i < ROUNDS; i++) {
        const char *const *units = i % 3 == 0 ? masses : i % 3 == 1 ? volumes : rates;
        size_t n = i % 3 == 0   ? WARD_COUNT(masses)
                   : i % 3 == 1 ? WARD_COUNT(volumes)
                                : WARD_COUNT(rates);
        Ward__Dosage__V1__Quantity q = WARD__DOSAGE__V1__QUANTITY__INIT, *printed;
        struct amount first, a;
        struct ward_decimal back;

        ward_arena_reset(&b->run);
        q.value = (char *)(uintptr_t)some_decimal(&b->run, 100000);
        q.unit = (char *)(uintptr_t)units[chance((uint32_t)n)];
        assert_int_equal(amount_of(&q, &first, NULL), WARD_OK);
        a = first;
        for (int k = 0; k < 6; k++) {
            const char *to = units[chance((uint32_t)n)];

            if (amount_in(&a, to, &back, NULL) != WARD_OK)
                continue; /* a non-terminating decimal is refused, not rounded */
            assert_int_equal(amount_print(&back, to, &b->run, &printed, NULL), WARD_OK);
            if (strlen(printed->value) > 20)
                continue; /* the value is longer than a Quantity */
            assert_int_equal(amount_of(printed, &a, NULL), WARD_OK);
            steps++;
        }
        assert_int_equal(amount_in(&a, q.unit, &back, NULL), WARD_OK);
        assert_int_equal(ward_decimal_cmp(&back, &first.value), 0);
    }
    assert_true(steps > ROUNDS);
}

static void the_same_dose_in_another_unit_finds_the_same(void **state)
{
    struct bench *b = *state;

    seed = 2;
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t mg = 1 + chance(20000);
        const char *facts, *beside, *head, *told;
        char first[65] = "";
        int same;

        ward_arena_reset(&b->run);
        head = some_head(&b->run);
        facts = some_facts(&b->run);
        beside = some_beside(&b->run);
        for (int k = 0; k < 3; k++) {
            const char *dose = k == 0 ? ward_printf(&b->run, "%u mg", mg)
                               : k == 1
                                   ? ward_printf(&b->run, "%u000 ug", mg)
                                   : ward_printf(&b->run, "%u.%03u g", mg / 1000, mg % 1000);

            told = check_told(b, ward_printf(&b->run,
                                             "%s facts { %s } prescription { drug_id: 'para' "
                                             "dose: '%s' route: ROUTE_PO " EVERY("360") "} %s",
                                             head, facts, dose, beside));
            same = k == 0 || memcmp(first, b->d.sha256, 65) == 0;
            assert_true(same && told != NULL);
            memcpy(first, b->d.sha256, 65);
        }
    }
}

/* ---- bytes ---- */

static void a_decision_made_again_has_the_same_bytes(void **state)
{
    struct bench *b = *state;
    int decided = 0;

    seed = 3;
    for (int i = 0; i < ROUNDS; i++) {
        Ward__Dosage__V1__Snapshot *s, *again;
        char sha256[65];
        uint8_t *bytes;
        size_t n;

        ward_arena_reset(&b->run);
        s = bench_snapshot(b, some_snapshot(&b->run));
        if (bench_try(b, s) != WARD_OK)
            continue;
        decided++;
        memcpy(sha256, b->d.sha256, sizeof(sha256));
        assert_int_equal(bench_try(b, s), WARD_OK);
        assert_string_equal(b->d.sha256, sha256);
        n = ward__dosage__v1__snapshot__get_packed_size(s);
        bytes = ward_alloc(&b->run, n);
        ward__dosage__v1__snapshot__pack(s, bytes);
        again = ward__dosage__v1__snapshot__unpack(NULL, n, bytes);
        assert_non_null(again);
        assert_int_equal(bench_try(b, again), WARD_OK);
        assert_string_equal(b->d.sha256, sha256);
        ward__dosage__v1__snapshot__free_unpacked(again, NULL);
    }
    assert_true(decided > ROUNDS / 4);
}

static void shuffle(void *list, size_t n)
{
    void **at = list;

    for (size_t i = n; i > 1; i--) {
        size_t k = chance((uint32_t)i);
        void *swap = at[i - 1];

        at[i - 1] = at[k];
        at[k] = swap;
    }
}

static void the_order_of_what_is_beside_does_not_matter(void **state)
{
    struct bench *b = *state;
    char sha256[65];

    seed = 4;
    for (int i = 0; i < ROUNDS; i++) {
        Ward__Dosage__V1__Snapshot *s;

        ward_arena_reset(&b->run);
        s = bench_snapshot(b, some_snapshot(&b->run));
        if (bench_try(b, s) != WARD_OK)
            continue;
        memcpy(sha256, b->d.sha256, sizeof(sha256));
        shuffle(s->running, s->n_running);
        shuffle(s->given, s->n_given);
        shuffle(s->facts->allergies, s->facts->n_allergies);
        assert_int_equal(bench_try(b, s), WARD_OK);
        assert_string_equal(b->d.sha256, sha256);
    }
}

/* ---- more is never safer ---- */

static bool tells(const Ward__Dosage__V1__Decision *d, const char *id)
{
    for (size_t i = 0; i < d->n_findings; i++)
        if (strcmp(d->findings[i]->rule_id, id) == 0)
            return true;
    return false;
}

static void another_allergy_or_order_hides_no_finding(void **state)
{
    struct bench *b = *state;
    int compared_ = 0;

    seed = 5;
    for (int i = 0; i < ROUNDS; i++) {
        const char *head, *facts, *what, *beside, *more = "", *allergy = "";
        Ward__Dosage__V1__Decision before;

        ward_arena_reset(&b->run);
        head = some_head(&b->run);
        facts = some_facts(&b->run);
        what = some_what(&b->run, some_dose(&b->run));
        beside = some_beside(&b->run);
        if (i % 2 == 0)
            more = some_running(&b->run, 99);
        else
            allergy = some_allergy(&b->run);
        if (bench_try(b, bench_snapshot(b, ward_printf(&b->run, "%s facts { %s } %s %s", head,
                                                       facts, what, beside))) != WARD_OK)
            continue;
        before = b->d;
        assert_int_equal(
            bench_try(b,
                      bench_snapshot(b, ward_printf(&b->run, "%s facts { %s %s } %s %s %s",
                                                    head, facts, allergy, what, beside, more))),
            WARD_OK);
        for (size_t k = 0; k < before.n_findings; k++) {
            const char *id = before.findings[k]->rule_id;

            if (strcmp(id, "ward.allergy-unknown") == 0)
                continue; /* an allergy is now recorded */
            compared_++;
            if (!tells(&b->d, id))
                fail_msg("%s is told no more: %s %s", id, allergy, more);
        }
    }
    assert_true(compared_ > ROUNDS / 2);
}

/* Whether a rule compared `what` and was violated. */
static bool tells_most(const Ward__Dosage__V1__Decision *d, const char *id, const char *what)
{
    for (size_t i = 0; i < d->n_findings; i++)
        for (size_t k = 0; k < d->findings[i]->n_compared; k++)
            if (strcmp(d->findings[i]->rule_id, id) == 0 &&
                strcmp(d->findings[i]->compared[k]->what, what) == 0)
                return true;
    return false;
}

static void a_larger_dose_is_never_less_too_much(void **state)
{
    struct bench *b = *state;
    int compared_ = 0;

    seed = 6;
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t mg = 1 + chance(3000);
        const char *head, *facts, *beside, *drug;
        Ward__Dosage__V1__Decision before;
        static const char *const drugs[] = {"para", "morphine", "kidney", "filter", "chemo"};

        ward_arena_reset(&b->run);
        head = some_head(&b->run);
        facts = some_facts(&b->run);
        beside = some_beside(&b->run);
        drug = ONE_OF(drugs);
        for (int k = 0; k < 2; k++) {
            before = b->d;
            assert_int_equal(
                bench_try(
                    b, bench_snapshot(
                           b, ward_printf(&b->run,
                                          "%s facts { %s } prescription { drug_id: '%s' dose: "
                                          "'%u mg' route: ROUTE_PO " EVERY("360") " } %s",
                                          head, facts, drug, mg, beside))),
                WARD_OK);
            mg += 1 + chance(mg);
        }
        for (size_t f = 0; f < before.n_findings; f++)
            for (size_t k = 0; k < before.findings[f]->n_compared; k++) {
                const Ward__Dosage__V1__Compared *c = before.findings[f]->compared[k];

                if (strcmp(c->relation, "<=") != 0 && strcmp(c->relation, "<") != 0)
                    continue;
                compared_++;
                assert_true(tells_most(&b->d, before.findings[f]->rule_id, c->what));
            }
    }
    assert_true(compared_ > ROUNDS / 4);
}

/* ---- memory ---- */

static void a_check_without_memory_fails_and_says_so(void **state)
{
    struct bench *b = *state;
    Ward__Dosage__V1__Snapshot *s =
        pb(&b->mem, &ward__dosage__v1__snapshot__descriptor,
           PLACE FACTS(CHILD WEIGHT("20 kg") ALLERGY("text: 'codeine'"))
               WHAT("co", "9 {tablet}", "product_id: 'co-8' " EVERY("60"))
                   RUNNING("o1", "para", "500 mg", EVERY("60"))
                       GIVEN("g", "para", "1 g", "1799999000000000"));
    int n = 0;

    for (bool done = false; !done; n++) {
        ward_arena_done(&b->run);
        ward_arena_init(&b->run, (size_t)64 << 20);
        b->run.fail_at = n + 1;
        done = bench_try(b, s) == WARD_OK;
        if (!done)
            assert_int_equal(b->err.code, WARD_RESOURCE_EXHAUSTED);
    }
    assert_true(n > 50);
    b->run.fail_at = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_way_through_units_changes_a_dose),
        cmocka_unit_test(the_same_dose_in_another_unit_finds_the_same),
        cmocka_unit_test(a_decision_made_again_has_the_same_bytes),
        cmocka_unit_test(the_order_of_what_is_beside_does_not_matter),
        cmocka_unit_test(another_allergy_or_order_hides_no_finding),
        cmocka_unit_test(a_larger_dose_is_never_less_too_much),
        cmocka_unit_test(a_check_without_memory_fails_and_says_so),
    };

    return cmocka_run_group_tests(tests, world_up, world_down);
}
