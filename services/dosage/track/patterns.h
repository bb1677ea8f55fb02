/* patterns.h - patterns of workarounds in rows: pure rules, each over one kind of row in order
 * of time, with named thresholds that docs/dosage.md documents.
 *
 * Kinds after: R. Koppel, T. Wetterneck, J. L. Telles, B.-T. Karsh, "Workarounds to Barcode
 * Medication Administration Systems: Their Occurrences, Causes, and Threats to Patient Safety",
 * J Am Med Inform Assoc 2008;15:408-423, doi:10.1197/jamia.M2616 (15 workarounds: steps
 * omitted, out of order, or not authorized). No number below comes from there or from another
 * source: every threshold is policy, set so that a single mistake causes no finding, and
 * reviewers may change it.
 *
 * A rule determines the row at which a pattern is complete, from that row and the rows less
 * than its window before it. Its findings therefore do not depend on the start of a scan,
 * provided that the scan began a window earlier. Findings of the same kind, person and place on
 * one day (of UTC) form one workaround, which grows.
 *
 * Threads: pure. Memory: the arena. Errors: RESOURCE_EXHAUSTED.
 */
#ifndef DOSAGE_TRACK_PATTERNS_H
#define DOSAGE_TRACK_PATTERNS_H

#include "services/dosage/dosage.h"
#include "ward/dosage/v1/tracking.pb-c.h"

#define PATTERN_S INT64_C(1000000) /* microseconds */

/* Rejected tokens by one person within a shift: one may be a mistake, and a failed right
 * "patient" is the purpose of the check. Policy. */
#define MISUSE_MOST   2
#define MISUSE_WITHIN (12 * 3600 * PATTERN_S)
/* Patients verified at one place within a minute: a verification requires standing at the
 * patient. Policy. */
#define PLACE_MOST   3
#define PLACE_WITHIN (60 * PATTERN_S)
/* Patients, or doses, that one person charted within a minute. Policy. */
#define BATCH_PATIENTS 4
#define BATCH_DOSES    15
#define BATCH_WITHIN   (60 * PATTERN_S)
/* With at least this many doses by one person in 24 h, the share without a scan must exceed
 * this. Policy. */
#define UNSCANNED_OF      10
#define UNSCANNED_PERCENT 50
#define UNSCANNED_WITHIN  (24 * 3600 * PATTERN_S)
/* With at least this many findings of one rule in orders of 7 days, the overridden share. A
 * finding identifies nobody, so the workaround names only the rule. Policy; compare it with the
 * usual rates: drug safety alerts are overridden in 49 % to 96 % of cases. Source: H. van der
 * Sijs, J. Aarts, A. Vulto, M. Berg, J Am Med Inform Assoc 2006;13:138-147,
 * doi:10.1197/jamia.M1809, abstract; checked 2026-11-21. */
#define HABIT_OF      20
#define HABIT_PERCENT 90
#define HABIT_WITHIN  (7 * 24 * 3600 * PATTERN_S)
/* Consecutive doses with the same second person, each within a minute of the previous one:
 * nobody checks doses independently that fast. Policy. */
#define SECOND_RUN    5
#define SECOND_WITHIN (60 * PATTERN_S)
#define SECOND_BACK   (SECOND_RUN * SECOND_WITHIN + 1)

/* With at least this many doses with a second person in 24 h by one person, the share with the
 * same second person. Policy: on a ward with two people, the reviewer notes that.
 */
#define SECOND_OF           20
#define SECOND_PERCENT      90
#define SECOND_SHARE_WITHIN (24 * 3600 * PATTERN_S)
/* Doses that one person reconciled from paper in 7 days although the service answered the ward
 * at their time. Policy. */
#define RECONCILE_OF     5
#define RECONCILE_WITHIN (7 * 24 * 3600 * PATTERN_S)
/* Emergency doses of one drug by one person in a ward in 7 days. Policy. */
#define EMERGENCY_OF     5
#define EMERGENCY_WITHIN (7 * 24 * 3600 * PATTERN_S)
/* Doses that one person charted and took back within 24 h. Policy. */
#define CORRECTION_OF     3
#define CORRECTION_WITHIN (24 * 3600 * PATTERN_S)

#define PATTERN_EVIDENCE 50 /* maximum ids of a workaround, the oldest */

/* A charted dose, from its row's unencrypted columns, without emergency and reconciled doses,
 * which are charted in batches legitimately. Or a rejected token: its id is that of its event,
 * and it has no patient. */
struct charted {
    int64_t at_us; /* recorded */
    uint8_t id[DOSAGE_ID], patient[DOSAGE_ID];
    const char *actor, *second, *ward, *place; /* "" for none */
};
struct habit { /* a rule's findings */
    const char *rule_id;
    int fired, overridden;
};
struct scanning { /* a person's doses */
    const char *actor, *ward;
    int given, unscanned;
};

/* A finding. Texts are borrowed. */
struct pattern {
    Ward__Dosage__V1__WorkaroundKind kind;
    const char *ward, *actor, *place, *rule_id; /* "" if there is none */
    int count, threshold, out_of;
    int own; /* number of counted ones that the same person acknowledged */
    int64_t first_us, last_us;
    const uint8_t (*evidence)[DOSAGE_ID];
    size_t n_evidence;
    /* Identity of a workaround: equal findings of that day, or of that dose, form one. */
    uint8_t about[WARD_SHA256_SIZE];
};
struct patterns {
    struct pattern *at;
    size_t n, room;
};

/* Rows are sorted by at_us; findings are those complete at a row with at_us > from_us. */
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

/* Parts of `about`: kind, person and place, and day (or dose, or week). */
void pattern_about(struct pattern *p, int64_t period, const uint8_t *id);
/* Adds one to the list, with borrowed texts. */
WARD_MUST enum ward_code pattern_add(struct patterns *list, const struct pattern *p,
                                     struct ward_arena *mem, struct ward_err *err);
/* Sorts by `about`, then by last_us. */
void patterns_sort(struct patterns *list);
/* Number of elements from the i-th on with the same `about`, in a sorted list. */
size_t patterns_same(const struct patterns *list, size_t i);
/* Combines n >= 1 elements of the same `about`, sorted by last_us: a share takes its present
 * value, a burst its largest. The evidence is the first one's; pattern_evidence joins the
 * others. */
struct pattern pattern_joined(const struct pattern *same, size_t n);
/* was[0..n), and new ones from more[0..n_more), at most PATTERN_EVIDENCE ids. */
WARD_MUST enum ward_code pattern_evidence(const uint8_t (*was)[DOSAGE_ID], size_t n,
                                          const struct pattern *more, size_t n_more,
                                          struct ward_arena *mem, struct ward_val *out,
                                          struct ward_err *err);
/* The sentence of a workaround for people, without a patient. */
WARD_MUST enum ward_code pattern_text(const struct pattern *p, struct ward_arena *mem,
                                      Ward__Dosage__V1__Sentence **out, struct ward_err *err);

#endif
