/* rules.h - from a model's numbers to a finding or an abstention. Pure.
 *
 * Threads: any. Memory: none. Errors: none.
 */
#ifndef DIAGNOSIS_RULES_H
#define DIAGNOSIS_RULES_H

#include "common/base/status.h"

#include <stdint.h>

/* Purposes of use that a patient's input is read for: TREAT, ETREAT. */
bool rule_purpose(const char *purpose);

/* 1 / (1 + exp(-(scale * logit + shift))): the calibration of a model's card. */
double rule_probability(double logit, double scale, double shift);

/* ward.diagnosis.v1.Abstention.Reason's numbers. */
enum abstain { ABSTAIN_NO, ABSTAIN_FAR, ABSTAIN_NEAR, ABSTAIN_VALUE };
/* What the guard's scores say: far is judged first. A score that is no number abstains. */
enum abstain rule_guard(double far, double far_limit, double near, double near_limit);

/* What an answer comes to. */
enum outcome { OUTCOME_ABSENT, OUTCOME_PRESENT, OUTCOME_ABSTAINED };
enum outcome rule_outcome(enum abstain abstains, double probability, double threshold);

/* Why a version may not take the active one's place: too few inputs were compared, or too many
 * of them differ. */
enum evidence { EVIDENCE_ENOUGH, EVIDENCE_FEW, EVIDENCE_DISAGREES };
enum evidence rule_evidence(int64_t compared, int64_t agreed, int64_t least, int most_pct);

/* One of `roles` is in the list "physician,nurse". */
bool rule_any_role(const char *list, const char *const *roles, int n);

/* 1 to 64 of a-z 0-9 _: a model's or a feature's name. */
bool rule_name(const char *s);

#endif
