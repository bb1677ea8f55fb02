/* patterns.h - patterns of workarounds in rows: pure rules, each over one kind of row in order
 * of time. docs/dosage.md documents the thresholds.
 *
 * Source of the kinds: R. Koppel, T. Wetterneck, J. L. Telles, B.-T. Karsh, "Workarounds to
 * Barcode Medication Administration Systems: Their Occurrences, Causes, and Threats to Patient
 * Safety", J Am Med Inform Assoc 2008;15:408-423, doi:10.1197/jamia.M2616 (15 workarounds:
 * steps omitted, out of order, or not authorized). The thresholds below have no source: every
 * threshold is policy, set so that a single mistake causes no finding. Reviewers may change the
 * thresholds.
 *
 * A rule determines the row at which a pattern is complete, from that row and the earlier rows
 * within the rule's window. Findings therefore do not depend on the start of a scan, if the
 * scan began at least a window earlier. Findings of the same kind, person and place on one day
 * (of UTC) form one workaround, which grows.
 *
 * Threads: pure. Memory: the arena. Errors: RESOURCE_EXHAUSTED.
 */
#ifndef DOSAGE_TRACK_PATTERNS_H
#define DOSAGE_TRACK_PATTERNS_H

#include "services/dosage/dosage.h"
#include "ward/dosage/v1/tracking.pb-c.h"

#define PATTERN_S INT64_C(1000000) /* microseconds of a second */

/* This many rejected tokens by one person within a shift are a finding. One rejected token may
 * be a mistake, or a wrong patient that the check has found as intended. Policy. */
#define MISUSE_MOST   2
#define MISUSE_WITHIN (12 * 3600 * PATTERN_S)
/* Patients verified at one place within a minute. A verification requires standing beside the
 * patient. Policy. */
#define PLACE_MOST   3
#define PLACE_WITHIN (60 * PATTERN_S)
/* Patients, or doses, that one person charted within a minute. Policy. */
#define BATCH_PATIENTS 4
#define BATCH_DOSES    15
#define BATCH_WITHIN   (60 * PATTERN_S)
/* Minimum doses by one person in 24 h, and the share without a scan that is a finding if
 * exceeded. Policy. */
#define UNSCANNED_OF      10
#define UNSCANNED_PERCENT 50
#define UNSCANNED_WITHIN  (24 * 3600 * PATTERN_S)
/* Minimum findings of one rule in orders of 7 days, and the share of overridden findings that
 * is a finding. A rule's finding identifies nobody, so the workaround names only the rule.
 * Policy. Usual rates: drug safety alerts are overridden in 49 % to 96 % of cases. Source: H.
 * van der Sijs, J. Aarts, A. Vulto, M. Berg, J Am Med Inform Assoc 2006;13:138-147,
 * doi:10.1197/jamia.M1809, abstract; checked 2026-11-21. */
#define HABIT_OF      20
#define HABIT_PERCENT 90
#define HABIT_WITHIN  (7 * 24 * 3600 * PATTERN_S)
/* Consecutive doses with the same second person, each within a minute of the previous dose:
 * nobody can check doses independently at this speed. Policy. */
#define SECOND_RUN    5
#define SECOND_WITHIN (60 * PATTERN_S)
#define SECOND_BACK   (SECOND_RUN * SECOND_WITHIN + 1)

/* Minimum doses with a second person in 24 h by one person, and the share with the same second
 * person that is a finding. Policy. On a ward with only two people, a reviewer can note the
 * reason. */
#define SECOND_OF           20
#define SECOND_PERCENT      90
#define SECOND_SHARE_WITHIN (24 * 3600 * PATTERN_S)
/* Doses that one person reconciled from paper in 7 days, although the service was answering the
 * ward when the doses were given. Policy. */
#define RECONCILE_OF     5
#define RECONCILE_WITHIN (7 * 24 * 3600 * PATTERN_S)
/* Emergency doses of one drug by one person in a ward in 7 days. Policy. */
#define EMERGENCY_OF     5
#define EMERGENCY_WITHIN (7 * 24 * 3600 * PATTERN_S)
/* Doses that one person charted and took back within 24 h. Policy. */
#define CORRECTION_OF     3
#define CORRECTION_WITHIN (24 * 3600 * PATTERN_S)

#define PATTERN_EVIDENCE 50 /* maximum ids of a workaround; the oldest ids remain */

/* A charted dose, from its row's unencrypted columns. Emergency and reconciled doses are
 * excluded, because charting them in batches is legitimate. Or a rejected token: id is the id
 * of its event, and there is no patient. */
struct charted {
    int64_t at_us; /* time of recording */
    uint8_t id[DOSAGE_ID], patient[DOSAGE_ID];
    const char *actor, *second, *ward, *place; /* "": not set */
};
struct habit { /* findings of one rule */
    const char *rule_id;
    int fired, overridden;
};
struct scanning { /* doses of one person */
    const char *actor, *ward;
    int given, unscanned;
};

/* A finding. Texts are borrowed. */
struct pattern {
    Ward__Dosage__V1__WorkaroundKind kind;
    const char *ward, *actor, *place, *rule_id; /* "": not set */
    int count, threshold, out_of;
    int own; /* counted actions that the same person acknowledged */
    int64_t first_us, last_us;
    const uint8_t (*evidence)[DOSAGE_ID];
    size_t n_evidence;
    /* Identity of a workaround: findings with an equal `about` form one workaround. */
    uint8_t about[WARD_SHA256_SIZE];
};
struct patterns {
    struct pattern *at;
    size_t n, room;
};

/* Rows must be sorted by at_us. Finds the patterns that are complete at a row with at_us >
 * from_us. */
WARD_MUST enum ward_code pattern_misuse(const struct charted *rows, size_t n, int64_t from_us,
                                        struct ward_arena *mem, struct patterns *out,
                                        struct ward_err *err);
WARD_MUST enum ward_code pattern_place(const struct charted *rows, size_t n, int64_t from_us,
                                       struct ward_arena *mem, struct patterns *out,
                                       struct ward_err *err);
WARD_MUST enum ward_code pattern_batch(const struct charted *rows, size_t n, int64_t from_us,
                                       struct ward_arena *mem, struct patterns *out,
                                       struct ward_err *err);
WARD_MUST enum ward_code pattern_second(const struct charted *rows, size_t n, int64_t from_us,
                                        struct ward_arena *mem, struct patterns *out,
                                        struct ward_err *err);
bool pattern_unscanned(const struct scanning *s);
bool pattern_habit(const struct habit *h);

/* Sets `about` from kind, person and place, and the period (day or week) or the dose's id. */
void pattern_about(struct pattern *p, int64_t period, const uint8_t *id);
/* Adds a finding to the list; texts are borrowed. */
WARD_MUST enum ward_code pattern_add(struct patterns *list, const struct pattern *p,
                                     struct ward_arena *mem, struct ward_err *err);
/* Sorts by `about`, then by last_us. */
void patterns_sort(struct patterns *list);
/* Number of consecutive elements from i on with the same `about`, in a sorted list. */
size_t patterns_same(const struct patterns *list, size_t i);
/* Combines n >= 1 elements of the same `about`, sorted by last_us. A share gets its current
 * value, a burst its largest value. The evidence is the first element's; pattern_evidence adds
 * the evidence of the others. */
struct pattern pattern_joined(const struct pattern *same, size_t n);
/* Combines the ids of was[0..n) with new ids from more[0..n_more), at most PATTERN_EVIDENCE
 * ids. */
WARD_MUST enum ward_code pattern_evidence(const uint8_t (*was)[DOSAGE_ID], size_t n,
                                          const struct pattern *more, size_t n_more,
                                          struct ward_arena *mem, struct ward_val *out,
                                          struct ward_err *err);
/* A sentence that describes a workaround to people, without naming a patient. */
WARD_MUST enum ward_code pattern_text(const struct pattern *p, struct ward_arena *mem,
                                      Ward__Dosage__V1__Sentence **out, struct ward_err *err);

#endif
