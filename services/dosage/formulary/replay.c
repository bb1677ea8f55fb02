#include "services/dosage/formulary/replay.h"

#include <string.h>

typedef Ward__Dosage__V1__Decision Decision;
typedef Ward__Dosage__V1__Finding Finding;
typedef Ward__Dosage__V1__Severity Severity;
typedef Ward__Dosage__V1__ReplayChange Change;

static Severity worst(const Decision *d)
{
    Severity most = WARD__DOSAGE__V1__SEVERITY__SEVERITY_UNSPECIFIED;

    for (size_t i = 0; i < d->n_findings; i++)
        if (d->findings[i]->severity > most)
            most = d->findings[i]->severity;
    return most;
}

static size_t times(const Decision *d, const Finding *f, bool severity_too)
{
    size_t n = 0;

    for (size_t i = 0; i < d->n_findings; i++)
        n += strcmp(d->findings[i]->rule_id, f->rule_id) == 0 &&
             (!severity_too || d->findings[i]->severity == f->severity);
    return n;
}

static bool within(const Decision *a, const Decision *b)
{
    for (size_t i = 0; i < a->n_findings; i++)
        if (times(a, a->findings[i], true) != times(b, a->findings[i], true))
            return false;
    return true;
}

enum replay_change replay_compare(const Decision *was, const Decision *now)
{
    Severity before = worst(was), after = worst(now);

    if (after != before)
        return after > before ? REPLAY_STRICTER : REPLAY_LAXER;
    return within(was, now) && within(now, was) ? REPLAY_SAME : REPLAY_DIFFERENT;
}

static bool among(char *const *list, size_t n, const char *s)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], s) == 0)
            return true;
    return false;
}

/* Lists the rules with findings in `d` and without findings in `other`. */
static enum ward_code only_in(const Decision *d, const Decision *other, struct ward_arena *mem,
                              char ***out, size_t *n, struct ward_err *err)
{
    char **list = ward_alloc(mem, d->n_findings * sizeof(char *));

    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the comparison");
    *n = 0;
    for (size_t i = 0; i < d->n_findings; i++) {
        const Finding *f = d->findings[i];

        if (times(other, f, false) > 0 || among(list, *n, f->rule_id))
            continue;
        list[*n] = ward_strdup(mem, f->rule_id);
        if (list[*n] == NULL)
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the comparison");
        (*n)++;
    }
    *out = list;
    return WARD_OK;
}

enum ward_code replay_change(const Decision *was, const Decision *now, struct ward_arena *mem,
                             Change **out, struct ward_err *err)
{
    Change *c = ward_new(mem, Change);

    if (c == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the comparison");
    ward__dosage__v1__replay_change__init(c);
    c->decision_id = ward_strdup(mem, was->decision_id);
    c->before = worst(was);
    c->now = worst(now);
    if (c->decision_id == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the comparison");
    WARD_TRY(only_in(now, was, mem, &c->appeared, &c->n_appeared, err));
    WARD_TRY(only_in(was, now, mem, &c->gone, &c->n_gone, err));
    *out = c;
    return WARD_OK;
}
