/* rules.h - decides a finding or an abstention from a model's numbers. Pure.
 *
 * Threads: any. Memory: none. Errors: none. */
#ifndef DIAGNOSIS_RULES_H
#define DIAGNOSIS_RULES_H

#include "common/base/status.h"

#include <stdint.h>

/* Whether a patient's input may be read for this purpose of use: TREAT or ETREAT. */
bool rule_purpose(const char *purpose);

/* The calibrated probability: 1 / (1 + exp(-(scale * logit + shift))), with the constants of
 * the model card. */
double rule_probability(double logit, double scale, double shift);

/* Numbers of ward.diagnosis.v1.Abstention.Reason. */
enum abstain { ABSTAIN_NO, ABSTAIN_FAR, ABSTAIN_NEAR, ABSTAIN_VALUE };
/* Whether the model must abstain by its guard's scores. `far` is checked first. A score that is
 * NaN leads to an abstention. */
enum abstain rule_guard(double far, double far_limit, double near, double near_limit);

/* The outcome of an answer. */
enum outcome { OUTCOME_ABSENT, OUTCOME_PRESENT, OUTCOME_ABSTAINED };
enum outcome rule_outcome(enum abstain abstains, double probability, double threshold);

/* Whether a version may replace the active version. It may not if too few inputs were compared,
 * or if too many of them differ. */
enum evidence { EVIDENCE_ENOUGH, EVIDENCE_FEW, EVIDENCE_DISAGREES };
enum evidence rule_evidence(int64_t compared, int64_t agreed, int64_t least, int most_pct);

/* Whether one of `roles` is in the list, such as "physician,nurse". */
bool rule_any_role(const char *list, const char *const *roles, int n);

/* Whether s can be the name of a model or a feature: 1 to 64 characters of a-z, 0-9 and _. */
bool rule_name(const char *s);

#endif
