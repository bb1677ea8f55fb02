#include "services/records/merge/score_own.h"

#include "common/measure/fhirtime.h"
#include "services/records/index/param.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef Ward__Records__V1__Identifier Identifier;
typedef Ward__Records__V1__Agreement Agreement;

/* Probabilities m (same person) and u (different people), for agreement and for disagreement of
 * a field. Source: Australian Bureau of Statistics, 3302.0.55.004, Death registrations to
 * Census linkage project 2011-12, appendix C, table C.1 (pass 1: first name, surname, sex, day
 * and month of birth, age) and table C.2 (pass 2: suburb, used for the postal code). */
struct weight {
    double agree_m, agree_u, differ_m, differ_u;
};
static const struct weight surname = {0.954, 0.007, 0.041, 0.987};
static const struct weight first_name = {0.839, 0.006, 0.158, 0.989};
static const struct weight sex = {0.966, 0.512, 0.017, 0.476};
static const struct weight birth_day = {0.903, 0.030, 0.039, 0.890};
static const struct weight birth_month = {0.923, 0.077, 0.019, 0.844};
/* the source's values for age */
static const struct weight birth_year = {0.975, 0.051, 0.019, 0.942};
static const struct weight suburb = {0.871, 0.001, 0.122, 0.992};
/* Ward's own assumption: one of a million pairs has an equal personal number by error. */
#define IDENTIFIER_WEIGHT 20.0
/* Ward's own value, measured in docs/records.md. Names below this similarity differ. Above this
 * similarity, the weight increases linearly up to equality. */
#define ALIKE_FROM 0.7

static double agrees(const struct weight *w)
{
    return log2(w->agree_m / w->agree_u);
}

static double differs(const struct weight *w)
{
    return log2(w->differ_m / w->differ_u);
}

static double by_degrees(const struct weight *w, double alike)
{
    double part = (alike - ALIKE_FROM) / (1 - ALIKE_FROM);

    return part <= 0 ? differs(w) : differs(w) + part * (agrees(w) - differs(w));
}

/* ---- comparison of fields ---- */

struct sum {
    struct ward_arena *mem;
    Candidate *out;
    struct ward_err *err;
    enum ward_code code;
};

#define AGREEMENTS 8

static void add(struct sum *s, const char *field, double weight)
{
    Agreement *a = ward_new(s->mem, Agreement);

    WARD_ASSERT(s->out->n_agreements < AGREEMENTS);
    if (a == NULL) {
        s->code = WARD_FAIL(s->err, RESOURCE_EXHAUSTED, "no memory to compare patients");
        return;
    }
    ward__records__v1__agreement__init(a);
    a->field = (char *)(uintptr_t)field;
    a->agrees = weight > 0;
    a->weight = weight;
    s->out->agreements[s->out->n_agreements++] = a;
    s->out->score += weight;
}

static bool has_type(const Identifier *i, const char *code)
{
    for (size_t k = 0; i->type != NULL && k < i->type->n_coding; k++)
        if (strcmp(i->type->coding[k]->code, code) == 0)
            return true;
    return false;
}

/* Types of numbers that several people share: account, visit, member, subscriber, organization
 * and employer numbers. Source: HL7 table 0203.
 */
bool score_is_personal(const Identifier *i)
{
    static const char *const shared[] = {"AN", "VN", "MB", "SN", "XX", "EI", "EN"};

    for (size_t k = 0; k < WARD_COUNT(shared); k++)
        if (has_type(i, shared[k]))
            return false;
    return *i->system != '\0' && *i->value != '\0' &&
           i->use != WARD__RECORDS__V1__IDENTIFIER__USE__USE_OLD &&
           i->use != WARD__RECORDS__V1__IDENTIFIER__USE__USE_TEMP;
}

static bool same_identifier(const Patient *a, const Patient *b)
{
    for (size_t i = 0; i < a->n_identifier; i++) {
        const Identifier *x = a->identifier[i];

        for (size_t k = 0; k < b->n_identifier && score_is_personal(x); k++) {
            const Identifier *y = b->identifier[k];

            if (strcmp(x->system, y->system) == 0 && strcmp(x->value, y->value) == 0 &&
                score_is_personal(y))
                return true;
        }
    }
    return false;
}

static bool is_known(int gender)
{
    return gender == WARD__RECORDS__V1__ADMINISTRATIVE_GENDER__ADMINISTRATIVE_GENDER_MALE ||
           gender == WARD__RECORDS__V1__ADMINISTRATIVE_GENDER__ADMINISTRATIVE_GENDER_FEMALE ||
           gender == WARD__RECORDS__V1__ADMINISTRATIVE_GENDER__ADMINISTRATIVE_GENDER_OTHER;
}

/* ---- birth dates ---- */

/* Whether two numbers differ by one mistyped digit or two transposed digits: 1978 and 1987, 12
 * and 13. Numbers that differ by a slip count as neither agreement nor disagreement. */
static bool is_slip(int a, int b)
{
    int differ = 0, of_a[2] = {0}, of_b[2] = {0};

    for (; a > 0 || b > 0; a /= 10, b /= 10) {
        if (a % 10 == b % 10)
            continue;
        if (differ == 2)
            return false;
        of_a[differ] = a % 10;
        of_b[differ++] = b % 10;
    }
    return differ == 1 || (of_a[0] == of_b[1] && of_a[1] == of_b[0]);
}

static double part(const struct weight *w, int a, int b)
{
    if (a == 0 || b == 0)
        return 0;
    if (a == b)
        return agrees(w);
    return is_slip(a, b) ? 0 : differs(w);
}

static bool birth(const Patient *a, const Patient *b, double *weight)
{
    struct ward_fhirtime x, y;
    const char *s = a->birth_date, *t = b->birth_date;

    if (ward_fhirtime_parse(WARD_FHIR_DATE, s, strlen(s), 0, &x, NULL) != WARD_OK ||
        ward_fhirtime_parse(WARD_FHIR_DATE, t, strlen(t), 0, &y, NULL) != WARD_OK)
        return false;
    *weight = part(&birth_year, x.year, y.year);
    /* day and month exchanged, 03-04 for 04-03: half of their weights */
    if (x.day != 0 && x.day != x.month && x.day == y.month && x.month == y.day)
        *weight += (agrees(&birth_month) + agrees(&birth_day)) / 2;
    else
        *weight += part(&birth_month, x.month, y.month) + part(&birth_day, x.day, y.day);
    return true;
}

/* ---- contacts ---- */

/* Sets *out to 1 for an equal telecom, to 0 if all differ, and to -1 if a patient has no
 * telecom. */
static enum ward_code same_telecom(struct ward_arena *mem, const Patient *a, const Patient *b,
                                   int *out, struct ward_err *err)
{
    *out = a->n_telecom > 0 && b->n_telecom > 0 ? 0 : -1;
    for (size_t i = 0; i < a->n_telecom; i++) {
        for (size_t k = 0; k < b->n_telecom; k++) {
            char *x, *y;

            WARD_TRY(param_telecom(mem, a->telecom[i]->value, &x, err));
            WARD_TRY(param_telecom(mem, b->telecom[k]->value, &y, err));
            if (*x != '\0' && strcmp(x, y) == 0)
                *out = 1;
        }
    }
    return WARD_OK;
}

static int same_postal_code(const Patient *a, const Patient *b)
{
    int out = -1;

    for (size_t i = 0; i < a->n_address; i++) {
        for (size_t k = 0; k < b->n_address; k++) {
            const char *x = a->address[i]->postal_code, *y = b->address[k]->postal_code;

            if (*x == '\0' || *y == '\0')
                continue;
            if (strcmp(x, y) == 0)
                return 1;
            out = 0;
        }
    }
    return out;
}

/* Adds telecom and postal code. An equal telephone and an equal postal code both indicate one
 * household, so only the telephone counts. A different telephone has no weight. */
static void household(struct sum *s, const Patient *a, const Patient *b)
{
    int telecom, postal = same_postal_code(a, b);

    if (s->code != WARD_OK)
        return;
    s->code = same_telecom(s->mem, a, b, &telecom, s->err);
    if (s->code == WARD_OK && telecom >= 0)
        add(s, "telecom", telecom > 0 ? agrees(&suburb) : 0);
    if (s->code == WARD_OK && postal >= 0)
        add(s, "postal_code",
            postal == 0 ? differs(&suburb) : (telecom > 0 ? 0 : agrees(&suburb)));
}

/* ---- the sum ---- */

static void demographics(struct sum *s, const Patient *a, const Patient *b, bool *other_given)
{
    struct likeness l = {-1, -1};
    double weight;

    if (s->code == WARD_OK)
        s->code = score_names(s->mem, a, b, &l, s->err);
    if (s->code == WARD_OK && l.family >= 0)
        add(s, "family", by_degrees(&surname, l.family));
    if (s->code == WARD_OK && l.given >= 0)
        add(s, "given", by_degrees(&first_name, l.given));
    *other_given = l.given >= 0 && by_degrees(&first_name, l.given) < 0;
    if (s->code == WARD_OK && birth(a, b, &weight))
        add(s, "birth_date", weight);
    if (s->code == WARD_OK && is_known((int)a->gender) && is_known((int)b->gender))
        add(s, "gender", a->gender == b->gender ? agrees(&sex) : differs(&sex));
}

enum ward_code score_pair(struct ward_arena *mem, const Patient *a, const Patient *b,
                          Candidate *out, struct ward_err *err)
{
    struct sum s = {.mem = mem, .out = out, .err = err};
    bool same_id = same_identifier(a, b), other_given = false;

    out->agreements = ward_alloc(mem, AGREEMENTS * sizeof(Agreement *));
    if (out->agreements == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to compare patients");
    if (same_id)
        add(&s, "identifier", IDENTIFIER_WEIGHT);
    demographics(&s, a, b, &other_given);
    household(&s, a, b);
    if (s.code != WARD_OK)
        return s.code;
    if (same_id)
        out->match = WARD__RECORDS__V1__MATCH__MATCH_CERTAIN;
    /* twins have different given names */
    else if (out->score >= SCORE_PROBABLE && !other_given)
        out->match = WARD__RECORDS__V1__MATCH__MATCH_PROBABLE;
    else if (out->score >= SCORE_POSSIBLE)
        out->match = WARD__RECORDS__V1__MATCH__MATCH_POSSIBLE;
    return WARD_OK;
}
