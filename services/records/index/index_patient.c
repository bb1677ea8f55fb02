/* Indexes a patient by names in any script, birth date, identifiers, telephone and postal
 * code. */
#include "common/unicode/pinyin.h"
#include "common/unicode/unicode.h"
#include "services/records/index/index_own.h"

#include <string.h>

typedef Ward__Records__V1__HumanName HumanName;

#define PAIRED   8 /* maximum name parts that are paired */
#define HAN_NAME 6 /* maximum characters of a Chinese name */

static void beginnings(struct sink *s, enum param p, const char *word)
{
    size_t n = strlen(word);

    for (size_t at = 0; at < n && s->code == WARD_OK;) {
        at += ward_first_points(word + at, 1);
        sink_text(s, p, word, at);
    }
}

/* Indexes a word, and its form without special letters. */
static void word_of(struct sink *s, enum param p, const char *word)
{
    char *plain;

    beginnings(s, p, word);
    if (sink_is(s, param_plain(s->mem, word, &plain, s->err)) && strcmp(plain, word) != 0)
        beginnings(s, p, plain);
}

/* Indexes pinyin as people type it: the syllable lü is typed as lv, lu or lyu. ward_pinyin
 * writes lv. */
static void as_typed(struct sink *s, enum param p, const char *joined)
{
    static const char *const vowels[] = {"u", "yu"};
    const char *v = strchr(joined, 'v');

    beginnings(s, p, joined);
    for (size_t i = 0; v != NULL && i < WARD_COUNT(vowels); i++) {
        const char *text =
            ward_printf(s->mem, "%.*s%s%s", (int)(v - joined), joined, vowels[i], v + 1);

        if (text == NULL)
            sink_is(s, WARD_FAIL(s->err, RESOURCE_EXHAUSTED, "no memory to index a name"));
        else
            beginnings(s, p, text);
    }
}

/* Indexes the pinyin of a Chinese word, starting at each of its first `starts` syllables:
 * "wangxiaoming", "xiaoming" and "ming" for 王小明. A word that may be a surname is also
 * indexed with the surname's reading. */
static void in_pinyin(struct sink *s, enum param p, const char *word, size_t starts,
                      bool maybe_surname)
{
    const char *const *syllables, *first = "";
    size_t n;
    char *text;

    if (!param_is_han(word) || strlen(word) > ward_first_points(word, HAN_NAME))
        return;
    for (int surname = 0; surname < (maybe_surname ? 2 : 1); surname++) {
        if (!sink_is(s, ward_pinyin(s->mem, word, surname, &syllables, &n, s->err)) || n == 0 ||
            strcmp(first, syllables[0]) == 0)
            return;
        first = syllables[0];
        for (size_t i = 0; i < n && i < (surname ? 1 : starts); i++)
            if (sink_is(s, ward_pinyin_join(s->mem, syllables, i, n, &text, s->err)))
                as_typed(s, p, text);
    }
}

/* Indexes "obrien" for "O'Brien". */
static void joined(struct sink *s, enum param p, const char *text)
{
    size_t n = 0;
    char *whole, **words;

    if (!sink_is(s, param_joined(s->mem, text, &whole, s->err)) || whole == NULL ||
        !sink_is(s, param_words(s->mem, whole, &words, &n, s->err)))
        return;
    for (size_t i = 0; i < n; i++)
        word_of(s, p, words[i]);
}

/* Indexes the given name in a complete Chinese name. The surname has one character; a name of
 * at least four characters may have a surname of two. */
static void given_part(struct sink *s, const char *word)
{
    size_t one = ward_first_points(word, 1), two = ward_first_points(word, 2), n = strlen(word);

    if (!param_is_han(word) || n > ward_first_points(word, HAN_NAME))
        return;
    if (n > one)
        beginnings(s, PARAM_NAME_TEXT, word + one);
    if (n > ward_first_points(word, 3))
        beginnings(s, PARAM_NAME_TEXT, word + two);
}

/* Indexes "王小明" for the family name 王 and the given name 小明, because people type the full
 * name as one word. */
static void han_name(struct sink *s, const HumanName *h)
{
    char *family, *given;
    const char *whole;

    if (*h->family == '\0' || h->n_given == 0 ||
        !sink_is(s, param_fold(s->mem, h->family, &family, s->err)) || !param_is_han(family))
        return;
    for (size_t i = 0; i < h->n_given; i++) {
        if (!sink_is(s, param_fold(s->mem, h->given[i], &given, s->err)) ||
            !param_is_han(given))
            return;
        whole = ward_printf(s->mem, "%s%s", family, given);
        if (whole == NULL) {
            sink_is(s, WARD_FAIL(s->err, RESOURCE_EXHAUSTED, "no memory to index a name"));
            return;
        }
        beginnings(s, PARAM_NAME_TEXT, whole);
        in_pinyin(s, PARAM_NAME_TEXT, whole, 1, true);
        family = (char *)(uintptr_t)whole;
    }
}

static void first_letter(struct sink *s, const char *word, const char *birth_date)
{
    const char *text =
        ward_printf(s->mem, "%s|%.*s", birth_date, (int)ward_first_points(word, 1), word);

    if (text == NULL)
        sink_is(s, WARD_FAIL(s->err, RESOURCE_EXHAUSTED, "no memory to index a name"));
    else
        sink_text(s, PARAM_BIRTH_AND_NAME, text, strlen(text));
}

static void first_letters(struct sink *s, char *const *words, size_t n, const char *birth_date)
{
    for (size_t i = 0; i < n && *birth_date != '\0'; i++) {
        const char *const *syllables;
        size_t some;

        first_letter(s, words[i], birth_date);
        if (sink_is(s, ward_pinyin(s->mem, words[i], true, &syllables, &some, s->err)) &&
            some > 0)
            first_letter(s, syllables[0], birth_date);
    }
}

/* Indexes a part of a name. birth_date "": the part is not used to find duplicates. */
static void part(struct sink *s, enum param p, const char *text, const char *birth_date)
{
    size_t n = 0;
    char **words;

    if (*text == '\0' || !sink_is(s, param_words(s->mem, text, &words, &n, s->err)))
        return;
    for (size_t i = 0; i < n; i++) {
        word_of(s, p, words[i]);
        in_pinyin(s, p, words[i], HAN_NAME, p != PARAM_GIVEN);
    }
    joined(s, p, text);
    for (size_t i = 0; i < n && p != PARAM_GIVEN; i++)
        given_part(s, words[i]);
    first_letters(s, words, n, birth_date);
    sink_text(s, PARAM_NAME_EXACT, text, strlen(text));
}

static void parts(struct sink *s, enum param p, char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        part(s, p, list[i], "");
}

/* Indexes each pair of the first PAIRED parts of a name as one token, because too many patients
 * share a single family or given name. */
static void pairs(struct sink *s, const HumanName *h)
{
    const char *part[PAIRED];
    size_t n = 0;

    if (*h->family != '\0')
        part[n++] = h->family;
    for (size_t i = 0; i < h->n_given && n < PAIRED; i++)
        if (*h->given[i] != '\0')
            part[n++] = h->given[i];
    for (size_t i = 1; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            bool swap = strcmp(part[k], part[i]) > 0;
            const char *text =
                ward_printf(s->mem, "%s|%s", part[swap ? i : k], part[swap ? k : i]);

            if (text == NULL)
                sink_is(s, WARD_FAIL(s->err, RESOURCE_EXHAUSTED, "no memory to index a name"));
            else
                sink_text(s, PARAM_NAME_PAIR, text, strlen(text));
        }
    }
}

static void name(struct sink *s, const HumanName *h, const char *birth_date)
{
    han_name(s, h);
    part(s, PARAM_FAMILY, h->family, birth_date);
    parts(s, PARAM_GIVEN, h->given, h->n_given);
    parts(s, PARAM_NAME_TEXT, h->prefix, h->n_prefix);
    parts(s, PARAM_NAME_TEXT, h->suffix, h->n_suffix);
    part(s, PARAM_NAME_TEXT, h->text, *h->family == '\0' ? birth_date : "");
}

void sink_name(struct sink *s, const HumanName *h)
{
    name(s, h, "");
}

void sink_title(struct sink *s, const char *text)
{
    part(s, PARAM_NAME_TEXT, text, "");
}

void sink_telecom(struct sink *s, Ward__Records__V1__ContactPoint *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *text;

        if (sink_is(s, param_telecom(s->mem, list[i]->value, &text, s->err)))
            sink_text(s, PARAM_TELECOM, text, strlen(text));
    }
}

void sink_address(struct sink *s, const Ward__Records__V1__Address *a)
{
    if (a != NULL)
        sink_text(s, PARAM_POSTAL_CODE, a->postal_code, strlen(a->postal_code));
}

void sink_gender(struct sink *s, Ward__Records__V1__AdministrativeGender gender)
{
    static const char *const genders[] = {"", "male", "female", "other", "unknown"};

    if ((int)gender > 0 && (size_t)gender < WARD_COUNT(genders))
        sink_word(s, PARAM_GENDER, genders[gender]);
}

static void flags(struct sink *s, const Patient *p)
{
    bool dead = p->deceased_case == WARD__RECORDS__V1__PATIENT__DECEASED_DECEASED_DATE_TIME ||
                (p->deceased_case == WARD__RECORDS__V1__PATIENT__DECEASED_DECEASED_BOOLEAN &&
                 p->deceased_boolean);
    bool active =
        p->active_presence_case != WARD__RECORDS__V1__PATIENT__ACTIVE_PRESENCE_ACTIVE ||
        p->active;

    sink_gender(s, p->gender);
    sink_word(s, PARAM_ACTIVE, active ? "true" : "false");
    sink_word(s, PARAM_DECEASED, dead ? "true" : "false");
    s->out->gender = (int)p->gender;
    s->out->status = active ? 1 : 0;
}

void index_patient(struct sink *s, const Patient *p)
{
    sink_labels(s, p->meta);
    sink_identifiers(s, p->identifier, p->n_identifier);
    for (size_t i = 0; i < p->n_name; i++) {
        pairs(s, p->name[i]);
        name(s, p->name[i], p->birth_date);
    }
    sink_telecom(s, p->telecom, p->n_telecom);
    for (size_t i = 0; i < p->n_address; i++)
        sink_address(s, p->address[i]);
    flags(s, p);
    for (size_t i = 0; i < p->n_communication; i++)
        sink_concept(s, PARAM_LANGUAGE, p->communication[i]->language);
    sink_references(s, p->general_practitioner, p->n_general_practitioner);
    sink_reference(s, p->managing_organization);
    for (size_t i = 0; i < p->n_link; i++)
        sink_reference(s, p->link[i]->other);
    for (size_t i = 0; i < p->n_photo; i++)
        sink_attachment(s, p->photo[i]);
    sink_date(s, WARD_FHIR_DATE, p->birth_date, false);
    s->out->birth_us = s->out->from_us;
    if (p->deceased_case == WARD__RECORDS__V1__PATIENT__DECEASED_DECEASED_DATE_TIME)
        sink_date(s, WARD_FHIR_DATETIME, p->deceased_date_time, true);
}
