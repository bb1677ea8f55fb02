#include "services/diagnosis/rules.h"

#include <math.h>
#include <string.h>

bool rule_purpose(const char *purpose)
{
    return strcmp(purpose, "TREAT") == 0 || strcmp(purpose, "ETREAT") == 0;
}

double rule_probability(double logit, double scale, double shift)
{
    return 1 / (1 + exp(-(scale * logit + shift)));
}

enum abstain rule_guard(double far, double far_limit, double near, double near_limit)
{
    if (!(far <= far_limit))
        return ABSTAIN_FAR;
    return near <= near_limit ? ABSTAIN_NO : ABSTAIN_NEAR;
}

enum outcome rule_outcome(enum abstain abstains, double probability, double threshold)
{
    if (abstains != ABSTAIN_NO)
        return OUTCOME_ABSTAINED;
    return probability >= threshold ? OUTCOME_PRESENT : OUTCOME_ABSENT;
}

enum evidence rule_evidence(int64_t compared, int64_t agreed, int64_t least, int most_pct)
{
    if (compared < least)
        return EVIDENCE_FEW;
    return (double)(compared - agreed) * 100 > (double)compared * most_pct ? EVIDENCE_DISAGREES
                                                                           : EVIDENCE_ENOUGH;
}

bool rule_name(const char *s)
{
    size_t n = strlen(s);

    return n >= 1 && n <= 64 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

bool rule_any_role(const char *list, const char *const *roles, int n)
{
    while (*list != '\0') {
        size_t len = strcspn(list, ",");

        for (int i = 0; i < n; i++)
            if (strlen(roles[i]) == len && len > 0 && memcmp(roles[i], list, len) == 0)
                return true;
        list += len + (list[len] == ',');
    }
    return false;
}
