#include "services/dosage/check/prepared.h"

struct prepared {
    const Ward__Dosage__V1__RuleSet *set;
};

enum ward_code check_prepare(const struct ruleset *rules, struct ward_arena *mem,
                             struct prepared **out, struct ward_err *err)
{
    struct prepared *p = ward_new(mem, struct prepared);

    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the rule set's indexes");
    p->set = ruleset_message(rules);
    *out = p;
    return WARD_OK;
}
