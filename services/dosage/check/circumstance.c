#include "services/dosage/check/circumstance.h"

#include <ctype.h>
#include <string.h>

#define ICD10 "http://hl7.org/fhir/sid/icd-10"

/* A pregnancy lasts 280 days from the last menstrual period to the estimated date of delivery.
 * Source: ACOG Committee Opinion 700, Methods for Estimating the Due Date, Obstet Gynecol
 * 2017;129:e150-4, doi 10.1097/AOG.0000000000002046. A pregnancy without a charted end lasts at
 * most 3 weeks beyond that date. Source: ACOG Practice Bulletin 146, Management of Late-Term
 * and Postterm Pregnancies, Obstet Gynecol 2014;124:390-6, doi
 * 10.1097/01.AOG.0000452744.06088.48 (postterm from 42 weeks). Checked 2026-11-22. */
#define TERM_DAYS   280
#define BEYOND_DAYS 21
#define DAYS_A_WEEK 7

typedef Ward__Dosage__V1__Facts Facts;
typedef Ward__Dosage__V1__Coding Coding;

static struct answer named(const struct circumstance *c, enum truth is)
{
    const Ward__Dosage__V1__Sentence *name = c->msg->name;

    return (struct answer){.is = is,
                           .en = (char *)(uintptr_t)name_en(name, ""),
                           .zh = (char *)(uintptr_t)name_zh(name, "")};
}

static bool expired(const struct run *r, int64_t at_us, int64_t days)
{
    return days > 0 && time_since(at_us, r->at_us) > days * DAY_US;
}

/* ---- codes ---- */

static bool same_system(const char *asked, const char *charted)
{
    size_t n = strlen(asked);

    if (strcmp(asked, charted) == 0)
        return true;
    return strcmp(asked, ICD10) == 0 && strncmp(charted, asked, n) == 0 && charted[n] == '-';
}

/* Compares codes without case and points: "I50.2" and "i502" are equal. */
static bool same_code(const char *asked, const char *charted, bool below)
{
    for (;; asked++, charted++) {
        asked += strspn(asked, ".");
        charted += strspn(charted, ".");
        if (*asked == '\0')
            return below || *charted == '\0';
        if (toupper((unsigned char)*asked) != toupper((unsigned char)*charted))
            return false;
    }
}

static bool coded(Coding *const *asked, size_t n, Coding *const *charted, size_t n_charted,
                  bool below)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n_charted; k++)
            if (same_system(asked[i]->system, charted[k]->system) &&
                same_code(asked[i]->code, charted[k]->code, below))
                return true;
    return false;
}

static struct answer problem(const struct run *r, const struct circumstance *c)
{
    const Ward__Dosage__V1__ProblemIs *q = c->msg->problem;
    const Facts *f = r->snap->facts;
    struct answer a = named(c, f->problems_cut ? TRUTH_UNKNOWN : TRUTH_NO);

    for (size_t i = 0; i < f->n_problems; i++) {
        const Ward__Dosage__V1__Problem *p = f->problems[i];

        if ((p->began_us != 0 && expired(r, p->began_us, q->began_within_days)) ||
            (!coded(q->codes, q->n_codes, p->codings, p->n_codings, false) &&
             !coded(q->below, q->n_below, p->codings, p->n_codings, true)))
            continue;
        a.is = TRUTH_YES;
        a.about = p->record_id;
        break;
    }
    return a;
}

static struct answer answered(const struct run *r, const struct circumstance *c)
{
    const Ward__Dosage__V1__AnswerIs *q = c->msg->answer;
    const Facts *f = r->snap->facts;
    const Ward__Dosage__V1__Answer *newest = NULL;
    struct answer a = named(c, TRUTH_UNKNOWN);

    for (size_t i = 0; i < f->n_answers; i++)
        for (size_t k = 0; k < q->n_loincs; k++)
            if (strcmp(f->answers[i]->loinc, q->loincs[k]) == 0 &&
                (newest == NULL || f->answers[i]->at_us > newest->at_us))
                newest = f->answers[i];
    if (newest == NULL || (q->max_age_hours > 0 &&
                           time_since(newest->at_us, r->at_us) > q->max_age_hours * HOUR_US))
        return a;
    a.is = coded(q->values, q->n_values, newest->values, newest->n_values, false) ? TRUTH_YES
                                                                                  : TRUTH_NO;
    if (a.is == TRUTH_YES)
        a.about = newest->record_id;
    return a;
}

/* ---- states ---- */

static bool is(const Ward__Dosage__V1__Stated *s, Ward__Dosage__V1__Stated__Is what)
{
    return s != NULL && s->is == what;
}

/* Whether a charted pregnancy is still ongoing. */
static bool lasts(const struct run *r, const Facts *f)
{
    int64_t ends = f->due_us != 0
                       ? time_of(f->due_us) + BEYOND_DAYS * DAY_US
                       : time_of(f->pregnancy->at_us) + (TERM_DAYS + BEYOND_DAYS) * DAY_US;

    return r->at_us < ends;
}

static bool in_weeks(const struct run *r, const Facts *f,
                     const Ward__Dosage__V1__PregnancyIs *q)
{
    int64_t week;

    if (f->due_us == 0)
        return true;
    week = (TERM_DAYS * DAY_US - (time_of(f->due_us) - r->at_us)) / (DAYS_A_WEEK * DAY_US);
    return week >= q->from_week && (q->to_week == 0 || week < q->to_week);
}

static struct answer pregnant(const struct run *r, const struct circumstance *c)
{
    const Ward__Dosage__V1__PregnancyIs *q = c->msg->pregnancy;
    const Facts *f = r->snap->facts;
    struct answer a = named(c, TRUTH_UNKNOWN);

    if (f->sex == WARD__DOSAGE__V1__SEX__SEX_MALE) {
        a.is = TRUTH_NO;
    } else if (is(f->pregnancy, WARD__DOSAGE__V1__STATED__IS__IS_YES) && lasts(r, f)) {
        a.is = in_weeks(r, f, q) ? TRUTH_YES : TRUTH_NO;
        a.about = a.is == TRUTH_YES ? f->pregnancy->record_id : NULL;
    } else if ((is(f->pregnancy, WARD__DOSAGE__V1__STATED__IS__IS_NO) &&
                !expired(r, f->pregnancy->at_us, q->no_expires_days)) ||
               band_age(r, q->age_from_days, q->age_to_days) == FIT_NO) {
        a.is = TRUTH_NO;
    }
    return a;
}

static struct answer breastfeeds(const struct run *r, const struct circumstance *c)
{
    const Facts *f = r->snap->facts;
    struct answer a = named(c, TRUTH_NO);

    if (f->sex != WARD__DOSAGE__V1__SEX__SEX_MALE &&
        is(f->breastfeeding, WARD__DOSAGE__V1__STATED__IS__IS_YES) &&
        !expired(r, f->breastfeeding->at_us, c->msg->breastfeeding->yes_expires_days)) {
        a.is = TRUTH_YES;
        a.about = f->breastfeeding->record_id;
    }
    return a;
}

static struct answer of_sex(const struct run *r, const struct circumstance *c)
{
    Ward__Dosage__V1__Sex sex = r->snap->facts->sex;

    return named(c, sex == WARD__DOSAGE__V1__SEX__SEX_UNSPECIFIED ? TRUTH_UNKNOWN
                    : sex == c->msg->sex                          ? TRUTH_YES
                                                                  : TRUTH_NO);
}

struct answer circumstance_ask(struct run *r, const struct circumstance *c)
{
    switch (c->msg->of_case) {
    case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_PROBLEM:
        return problem(r, c);
    case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_PREGNANCY:
        return pregnant(r, c);
    case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_BREASTFEEDING:
        return breastfeeds(r, c);
    case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_SEX:
        return of_sex(r, c);
    case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_VALUE:
        return lab_value(r, c);
    case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_TREND:
        return lab_trend(r, c);
    case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_ANSWER:
        return answered(r, c);
    default:
        return named(c, TRUTH_UNKNOWN);
    }
}
