/* Whether a present finding was already decided on, and is not more severe. Pure. */
#include "services/dosage/give/judge_before.h"

#include "services/dosage/give/bedside.h"

#include <string.h>

typedef Ward__Dosage__V1__Compared Compared;

/* 0 is a valid number of minutes since the last dose. */
static bool value_of(const Quantity *q, struct ward_decimal *out)
{
    return q != NULL && ward_decimal_parse(q->value, strlen(q->value), out, NULL) == WARD_OK;
}

/* The result is below, at or above 0; *ok false: the amounts are not comparable. */
static int compare(const Quantity *a, const Quantity *b, bool *ok)
{
    struct ward_decimal x, y;

    *ok = *ok && value_of(a, &x) && value_of(b, &y) && strcmp(a->unit, b->unit) == 0;
    return *ok ? ward_decimal_cmp(&x, &y) : 0;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

/* At the bedside, the minutes since the last dose correspond to the minutes between doses in
 * the order. */
static bool same_kind(const char *was, const char *is)
{
    return strcmp(was, is) == 0 ||
           (strcmp(was, "interval-minutes") == 0 && strcmp(is, "since-last-minutes") == 0);
}

/* A measurement ages without a change: a decision about its age remains valid as long as a new
 * measurement would be valid. */
static bool aged_no_more(const Compared *was, const Compared *is, bool *ok)
{
    struct ward_decimal older, a, b, most;

    *ok = *ok && value_of(is->actual, &a) && value_of(was->actual, &b) &&
          value_of(is->limit, &most) && strcmp(is->actual->unit, was->actual->unit) == 0 &&
          strcmp(is->actual->unit, is->limit->unit) == 0 &&
          ward_decimal_sub(&a, &b, &older, NULL) == WARD_OK;
    return *ok && ward_decimal_cmp(&older, &most) <= 0;
}

static bool no_further(const Compared *was, const Compared *is)
{
    bool ok = strcmp(was->relation, is->relation) == 0;
    int actual = compare(is->actual, was->actual, &ok);
    int limit = compare(is->limit, was->limit, &ok);

    if (ends_with(is->what, "-age-hours"))
        return limit == 0 && aged_no_more(was, is, &ok) && ok;
    if (is->relation[0] == '<')
        return ok && actual <= 0 && limit >= 0;
    if (is->relation[0] == '>')
        return ok && actual >= 0 && limit <= 0;
    return ok && actual == 0 && limit == 0;
}

static bool numbers_stand(const Finding *was, const Finding *is)
{
    for (size_t i = 0; i < is->n_compared; i++) {
        bool found = false;

        for (size_t k = 0; k < was->n_compared && !found; k++)
            found = same_kind(was->compared[k]->what, is->compared[i]->what) &&
                    no_further(was->compared[k], is->compared[i]);
        if (!found)
            return false;
    }
    return true;
}

static bool names(const Finding *f, const char *id)
{
    for (size_t i = 0; i < f->n_about; i++)
        if (strcmp(f->about[i], id) == 0)
            return true;
    return false;
}

/* Whether the decision included a subject. A later dose of an included order was to be
 * expected. */
static bool spoke_of(const Finding *was, const Decision *now, const char *id)
{
    const Ward__Dosage__V1__Snapshot *s = now->snapshot;

    if (names(was, id))
        return true;
    for (size_t i = 0; s != NULL && i < s->n_given; i++)
        if (strcmp(s->given[i]->administration_id, id) == 0)
            return *s->given[i]->order_id != '\0' && names(was, s->given[i]->order_id);
    return false;
}

/* Findings with measurements are compared by their numbers, which the text repeats. Other
 * findings are compared by text. */
static bool same_text(const Finding *was, const Finding *is, bool lowered)
{
    if (is->n_compared > 0)
        return true;
    if (was->text == NULL || is->text == NULL)
        return false;
    /* The sentence of a lowered finding ends with the acknowledging person, so only its
     * beginning is compared. */
    return lowered ? strncmp(was->text->en, is->text->en, strlen(is->text->en)) == 0
                   : strcmp(was->text->en, is->text->en) == 0;
}

static bool no_worse(const Finding *was, const Finding *is, bool lowered)
{
    return was->severity >= is->severity ||
           (lowered && is->severity == WARD__DOSAGE__V1__SEVERITY__SEVERITY_WARN);
}

static bool covers(const Decision *then, const Finding *was, const Decision *now,
                   const Finding *is)
{
    bool lowered = check_lowered(then, was);

    if (strcmp(was->rule_id, is->rule_id) != 0 || was->rule_version != is->rule_version ||
        !no_worse(was, is, lowered) || was->final || is->final ||
        !same_text(was, is, lowered) || !numbers_stand(was, is))
        return false;
    for (size_t i = 0; i < is->n_about; i++)
        if (!spoke_of(was, now, is->about[i]))
            return false;
    return true;
}

static size_t count(const Decision *d, const char *rule)
{
    size_t n = 0;

    for (size_t i = 0; i < d->n_findings; i++)
        n += strcmp(d->findings[i]->rule_id, rule) == 0;
    return n;
}

/* A finding about an unreadable chart does not cover a later check, because the chart may have
 * changed. */
static bool of_the_moment(const char *rule)
{
    return strcmp(rule, "ward.chart-stale") == 0 || strcmp(rule, "ward.chart-unavailable") == 0;
}

bool judged_before(const Decision *then, const Decision *now, const char *rule)
{
    if (of_the_moment(rule) || count(now, rule) > count(then, rule))
        return false;
    for (size_t i = 0; i < now->n_findings; i++) {
        const Finding *is = now->findings[i];
        bool found = strcmp(is->rule_id, rule) != 0;

        for (size_t k = 0; k < then->n_findings && !found; k++)
            found = covers(then, then->findings[k], now, is);
        if (!found)
            return false;
    }
    return true;
}
