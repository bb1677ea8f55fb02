/* score.h - the likelihood that two patients are one person: Fellegi and Sunter's weights.
 *
 * Each field that both have adds log2(m / u) if it agrees and log2((1 - m) / (1 - u)) if not,
 * from a table with its source. Names agree by degrees (Jaro-Winkler), in either order, in any
 * script. A missing field has no weight.
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

/* The prior odds that a pair of N patients is one person are 1 : N. PROBABLE: posterior odds of
 * at least 9 : 1, POSSIBLE: at least 1 : 9, both for N = 100,000. */
#define SCORE_PROBABLE 20.0
#define SCORE_POSSIBLE 13.0

/* match, score and agreements of *out, which is initialised; match is UNSPECIFIED below
 * POSSIBLE. */
WARD_MUST enum ward_code score_pair(struct ward_arena *mem, const Patient *a, const Patient *b,
                                    Candidate *out, struct ward_err *err);
/* 0 (nothing in common) to 1 (equal), of UTF-8. */
double score_jaro_winkler(const char *a, const char *b);
/* Whether an identifier identifies one person: it has system and value, is not old or
 * temporary, and not of a type that several people share (account, visit, insurance). */
bool score_is_personal(const Ward__Records__V1__Identifier *i);

#endif
