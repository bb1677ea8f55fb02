/* Not built yet: each goes from here as it is. */
#include "services/dosage/check/check.h"

enum ward_code check_run(const struct ruleset *rules, const Ward__Dosage__V1__Snapshot *snap,
                         struct ward_arena *mem, Ward__Dosage__V1__Decision *out,
                         struct ward_err *err)
{
    (void)rules, (void)snap, (void)mem, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code check_open(const struct ruleset *rules, const Ward__Dosage__V1__Decision *d,
                          Ward__Dosage__V1__Override *const *overrides, size_t n,
                          const struct check_who *who, struct ward_arena *mem, char ***open,
                          size_t *n_open, struct ward_err *err)
{
    (void)rules, (void)d, (void)overrides, (void)n, (void)who, (void)mem, (void)open,
        (void)n_open;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

bool check_needs_second(const Ward__Dosage__V1__Decision *d)
{
    (void)d;
    return false;
}
