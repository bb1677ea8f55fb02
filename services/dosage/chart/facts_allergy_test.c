/* Allergies of a chart: selection and content. */
#include "services/dosage/chart/facts_testing.h"

typedef Ward__Records__V1__AllergyIntolerance Entry;

static Record *allergic(const char *id, Concept *code)
{
    Resource *res;
    Record *r = record_of(id, &res);

    res->resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_ALLERGY_INTOLERANCE;
    res->allergy_intolerance = ward_new(&mem, Entry);
    ward__records__v1__allergy_intolerance__init(res->allergy_intolerance);
    res->allergy_intolerance->code = code;
    return r;
}

static bool counts(Record *r)
{
    ward__dosage__v1__facts__init(&facts);
    assert_int_equal(facts_allergies(&r, 1, &mem, &facts, NULL), WARD_OK);
    return facts.n_allergies == 1;
}

#define SNOMED       "http://snomed.info/sct"
#define CLINICAL     "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
#define VERIFICATION "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"

static void what_is_over_refuted_or_wrong_is_no_allergy(void **state)
{
    static const struct {
        const char *clinical, *verification;
        bool counts;
    } ALL[] = {
        {"active", "confirmed", true},
        {"active", "unconfirmed", true},
        {"", "", true},
        {"inactive", "confirmed", false},
        {"resolved", "confirmed", false},
        {"active", "refuted", false},
        {"", "entered-in-error", false},
        {"active", "presumed", true},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(ALL); i++) {
        Record *r = allergic(ID("1"), concept_of(SNOMED, "91936005"));
        Entry *a = r->resource->allergy_intolerance;

        a->clinical_status = concept_of(CLINICAL, ALL[i].clinical);
        a->verification_status = concept_of(VERIFICATION, ALL[i].verification);
        assert_int_equal(counts(r), ALL[i].counts);
    }
    /* an allergy without a named substance counts */
    assert_true(counts(allergic(ID("1"), NULL)));
}

static void none_known_is_told_from_nothing_said(void **state)
{
    (void)state;
    assert_true(counts(allergic(ID("1"), concept_of(SNOMED, "716186003"))));
    assert_true(facts.allergies[0]->no_known);
    assert_true(counts(allergic(ID("1"), concept_of(SNOMED, "91936005"))));
    assert_false(facts.allergies[0]->no_known);
    assert_true(counts(allergic(ID("1"), concept_of("urn:other", "716186003"))));
    assert_false(facts.allergies[0]->no_known);
    assert_false(counts(allergic(ID("1"), concept_of(SNOMED, "429625007"))));
}

static void unknown_rules_deny_no_allergy_and_end_none(void **state)
{
    Record *none = allergic(ID("1"), concept_of(SNOMED, "716186003"));
    Record *over = allergic(ID("1"), concept_of(SNOMED, "91936005"));

    (void)state;
    none->resource->allergy_intolerance->implicit_rules = text("urn:rules");
    assert_true(counts(none));
    assert_false(facts.allergies[0]->no_known);
    over->resource->allergy_intolerance->clinical_status = concept_of(CLINICAL, "resolved");
    assert_false(counts(over));
    over->resource->allergy_intolerance->implicit_rules = text("urn:rules");
    assert_true(counts(over));
}

static void an_unknown_modifier_denies_no_allergy_and_ends_none(void **state)
{
    Ward__Records__V1__Extension modifier, *all = &modifier;
    Record *none = allergic(ID("1"), concept_of(SNOMED, "716186003"));
    Record *over = allergic(ID("1"), concept_of(SNOMED, "91936005"));
    Entry *entries[] = {none->resource->allergy_intolerance,
                        over->resource->allergy_intolerance};

    (void)state;
    ward__records__v1__extension__init(&modifier);
    for (size_t i = 0; i < WARD_COUNT(entries); i++) {
        entries[i]->modifier_extension = &all;
        entries[i]->n_modifier_extension = 1;
        entries[i]->clinical_status = concept_of(CLINICAL, "resolved");
    }
    assert_true(counts(none));
    assert_false(facts.allergies[0]->no_known);
    assert_true(counts(over));
    entries[1]->verification_status = concept_of(VERIFICATION, "entered-in-error");
    assert_false(counts(over));
}

/* Adds a coding and a text to a concept. */
static Concept *more_of(Concept *c, const char *system, const char *code, const char *words)
{
    Concept *other = concept_of(system, code), *both = ward_new(&mem, Concept);

    ward__records__v1__codeable_concept__init(both);
    both->coding = ward_alloc(&mem, 2 * sizeof(Coding *));
    both->coding[0] = c->coding[0];
    both->coding[1] = other->coding[0];
    both->n_coding = 2;
    both->text = text(words);
    return both;
}

static void react_to(Record *r, Concept *substance)
{
    typedef Ward__Records__V1__AllergyIntolerance__Reaction Reaction;
    Entry *a = r->resource->allergy_intolerance;

    a->reaction = ward_alloc(&mem, sizeof(Reaction *));
    a->reaction[0] = ward_new(&mem, Reaction);
    ward__records__v1__allergy_intolerance__reaction__init(a->reaction[0]);
    a->reaction[0]->substance = substance;
    a->n_reaction = 1;
}

static Concept *words_of(const char *words)
{
    Concept *c = ward_new(&mem, Concept);

    ward__records__v1__codeable_concept__init(c);
    c->text = text(words);
    return c;
}

static void a_drug_that_is_coded_beside_none_known_stays(void **state)
{
    Concept *penicillin = concept_of(SNOMED, "91936005");
    Record *r;

    (void)state;
    assert_true(counts(allergic(ID("1"), more_of(penicillin, SNOMED, "409137002", ""))));
    assert_false(facts.allergies[0]->no_known);
    assert_int_equal(facts.allergies[0]->n_codings, 2);
    assert_true(counts(allergic(ID("1"), more_of(penicillin, SNOMED, "429625007", ""))));
    assert_true(counts(
        allergic(ID("1"), more_of(concept_of(SNOMED, "716186003"), SNOMED, "409137002", ""))));
    assert_true(facts.allergies[0]->no_known);
    r = allergic(ID("1"), concept_of(SNOMED, "716186003"));
    react_to(r, words_of("penicillin"));
    assert_true(counts(r));
    assert_false(facts.allergies[0]->no_known);
    r = allergic(ID("1"), concept_of(SNOMED, "429625007"));
    r->resource->allergy_intolerance->code->text = text("fish, and penicillin");
    assert_true(counts(r)); /* a text is never discarded */
}

static void a_text_stays_beside_codings_and_substances(void **state)
{
    Concept *c = concept_of("urn:local", "X1");
    Record *r = allergic(ID("1"), c);

    (void)state;
    c->text = text("penicillin");
    react_to(r, more_of(concept_of("rx", "2180"), "rx", "20481", "cefazolin"));
    assert_true(counts(r));
    assert_string_equal(facts.allergies[0]->text, "penicillin");
    assert_int_equal(facts.allergies[0]->n_codings, 1);
    assert_string_equal(facts.allergies[0]->codings[0]->code, "X1");
    assert_int_equal(facts.allergies[0]->n_substances, 1);
    assert_string_equal(facts.allergies[0]->substances[0]->text, "cefazolin");
    assert_int_equal(facts.allergies[0]->substances[0]->n_codings, 2);
}

static void a_long_text_is_cut_between_characters_and_that_is_told(void **state)
{
    char words[1200];

    (void)state;
    memset(words, 'a', sizeof(words));
    memcpy(words + 999, "\xe9\x9d\x92", 3); /* the character has the bytes 999 to 1001 */
    words[1199] = '\0';
    assert_true(counts(allergic(ID("1"), words_of(words))));
    assert_int_equal(strlen(facts.allergies[0]->text), 999);
    assert_true(facts.allergies_cut);
    words[999] = '\0';
    assert_true(counts(allergic(ID("1"), words_of(words))));
    assert_false(facts.allergies_cut);
}

static void more_allergies_than_are_held_are_told(void **state)
{
    Record *r[FACTS_ALLERGIES + 1];

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(r); i++)
        r[i] = allergic(ward_printf(&mem, "%03zu", i), concept_of(SNOMED, "91936005"));
    assert_int_equal(facts_allergies(r, FACTS_ALLERGIES, &mem, &facts, NULL), WARD_OK);
    assert_false(facts.allergies_cut);
    ward__dosage__v1__facts__init(&facts);
    assert_int_equal(facts_allergies(r, WARD_COUNT(r), &mem, &facts, NULL), WARD_OK);
    assert_int_equal(facts.n_allergies, FACTS_ALLERGIES);
    assert_true(facts.allergies_cut);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_over_refuted_or_wrong_is_no_allergy),
        TEST(none_known_is_told_from_nothing_said),
        TEST(unknown_rules_deny_no_allergy_and_end_none),
        TEST(an_unknown_modifier_denies_no_allergy_and_ends_none),
        TEST(a_drug_that_is_coded_beside_none_known_stays),
        TEST(a_text_stays_beside_codings_and_substances),
        TEST(a_long_text_is_cut_between_characters_and_that_is_told),
        TEST(more_allergies_than_are_held_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
