#include "services/dosage/check/check.h"

#include <stdio.h>
#include <string.h>

#define WARN WARD__DOSAGE__V1__SEVERITY__SEVERITY_WARN
#define HARD WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD

/* A rule's most severe finding, if an override can apply to the finding; otherwise NULL. A
 * finding that an acknowledgement lowered accepts an override, because the caller may have read
 * the decision before the acknowledgement. */
static const Ward__Dosage__V1__Finding *found(const Ward__Dosage__V1__Decision *d,
                                              const char *rule_id)
{
    for (size_t i = 0; i < d->n_findings; i++) /* most severe first */
        if (strcmp(d->findings[i]->rule_id, rule_id) == 0)
            return (d->findings[i]->severity >= WARN || check_lowered(d, d->findings[i])) &&
                           !d->findings[i]->final
                       ? d->findings[i]
                       : NULL;
    return NULL;
}

static bool may_give(const Ward__Dosage__V1__Reason *reason, const struct check_who *who)
{
    for (size_t i = 0; i < reason->n_roles; i++)
        for (int k = 0; k < who->n_roles; k++)
            if (strcmp(reason->roles[i], who->roles[k]) == 0)
                return true;
    return reason->n_roles == 0;
}

static enum ward_code check_override(const struct ruleset *rules,
                                     const Ward__Dosage__V1__Decision *d,
                                     Ward__Dosage__V1__Override *const *overrides, size_t at,
                                     const struct check_who *who, struct ward_err *err)
{
    const Ward__Dosage__V1__Override *o = overrides[at];
    const Ward__Dosage__V1__Finding *f = found(d, o->rule_id);
    const Ward__Dosage__V1__Reason *reason;
    char field[sizeof(err->field)];
    bool twice = false;

    snprintf(field, sizeof(field), "overrides[%zu]", at);
    for (size_t i = 0; i < at; i++)
        twice |= strcmp(overrides[i]->rule_id, o->rule_id) == 0;
    if (f == NULL || twice)
        return ward_err_about(err,
                              WARD_FAIL_REASON(err, INVALID_ARGUMENT, "OVERRIDE_UNUSED",
                                               "an override names a rule without a finding, or "
                                               "a rule that nobody may override"),
                              field);
    reason =
        ruleset_reason(rules, o->reason_code,
                       f->severity == HARD ? WARD__DOSAGE__V1__REASON__USE__USE_OVERRIDE_HARD
                                           : WARD__DOSAGE__V1__REASON__USE__USE_OVERRIDE_WARN);
    if (reason == NULL)
        return ward_err_about(
            err,
            WARD_FAIL_REASON(err, INVALID_ARGUMENT, "REASON_UNKNOWN",
                             "the rule set has no reason with this code for this finding"),
            field);
    if (!may_give(reason, who))
        return WARD_FAIL_REASON(err, PERMISSION_DENIED, "OVERRIDE_ROLE",
                                "the caller's roles do not permit this reason");
    return WARD_OK;
}

static bool is_open(const Ward__Dosage__V1__Finding *f,
                    Ward__Dosage__V1__Override *const *overrides, size_t n,
                    const struct check_who *who)
{
    if (f->severity < WARN)
        return false;
    if (f->final || (f->severity == HARD && !who->second))
        return true;
    for (size_t i = 0; i < n; i++)
        if (strcmp(overrides[i]->rule_id, f->rule_id) == 0)
            return false;
    return true;
}

enum ward_code check_open(const struct ruleset *rules, const Ward__Dosage__V1__Decision *d,
                          Ward__Dosage__V1__Override *const *overrides, size_t n,
                          const struct check_who *who, struct ward_arena *mem, char ***open,
                          size_t *n_open, struct ward_err *err)
{
    char **ids = ward_alloc(mem, d->n_findings * sizeof(*ids));
    size_t n_ids = 0;

    if (ids == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for findings");
    for (size_t i = 0; i < n; i++)
        WARD_TRY(check_override(rules, d, overrides, i, who, err));
    for (size_t i = 0; i < d->n_findings; i++) {
        const Ward__Dosage__V1__Finding *f = d->findings[i];

        if (is_open(f, overrides, n, who) &&
            (n_ids == 0 || strcmp(ids[n_ids - 1], f->rule_id) != 0))
            ids[n_ids++] = f->rule_id;
    }
    *open = ids;
    *n_open = n_ids;
    return WARD_OK;
}

bool check_needs_second(const Ward__Dosage__V1__Decision *d)
{
    for (size_t i = 0; i < d->n_findings; i++)
        if (d->findings[i]->severity == HARD && !d->findings[i]->final)
            return true;
    return false;
}
