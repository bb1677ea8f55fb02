/* score.h - the likelihood that two patients are one person: Fellegi and Sunter's weights.
 *
 * A field that both patients have adds log2(m / u) if it agrees, and log2((1 - m) / (1 - u))
 * otherwise. m and u are from a published table. Names agree by degrees (Jaro-Winkler), in
 * either order and in any script. A missing field has no weight.
 *
 * Source: I. P. Fellegi, A. B. Sunter, A theory for record linkage, JASA 64:1183 (1969); W. E.
 * Winkler, String comparator metrics and enhanced decision rules in the Fellegi-Sunter model,
 * Proc. Survey Research Methods, ASA (1990).
 *
 * Threads: pure functions. Memory: the arena. Errors: RESOURCE_EXHAUSTED.
 */
#ifndef RECORDS_MERGE_SCORE_H
#define RECORDS_MERGE_SCORE_H

#include "services/records/records.h"
#include "ward/records/v1/patients.pb-c.h"

typedef Ward__Records__V1__Patient Patient;
typedef Ward__Records__V1__Candidate Candidate;

/* Among N patients, the prior odds that a pair is one person are 1 : N. For N = 100,000,
 * PROBABLE means posterior odds of at least 9 : 1, and POSSIBLE of at least 1 : 9. */
#define SCORE_PROBABLE 20.0
#define SCORE_POSSIBLE 13.0

/* Sets match, score and agreements of *out, which the caller has initialised. match is
 * UNSPECIFIED below POSSIBLE. */
WARD_MUST enum ward_code score_pair(struct ward_arena *mem, const Patient *a, const Patient *b,
                                    Candidate *out, struct ward_err *err);
/* Returns the similarity of two UTF-8 texts, from 0 (nothing in common) to 1 (equal). */
double score_jaro_winkler(const char *a, const char *b);
/* Whether an identifier identifies one person: it has a system and a value, is not old or
 * temporary, and its type is not shared by several people (account, visit, insurance). */
bool score_is_personal(const Ward__Records__V1__Identifier *i);

#endif
