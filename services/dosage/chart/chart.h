/* chart.h - what records says of a patient that doses depend on, and whether this person may
 * see it.
 *
 * Read from records with the person's own token (Read, Search), so records decides who may;
 * kept in memory (sealed in no table) while its feed says that nothing of the patient changed.
 * One thread a process follows the feed: a change of a patient forgets what is kept of them;
 * merges, unmerges and erasures are written to this service's tables, once, by whichever
 * replica is first, and the position is kept in feed_position. A feed silent for chart_s makes
 * everything kept stale until it speaks again.
 *
 * Records' yes to a person (patient, subject, roles, ward, purpose) stands for access_s, and no
 * longer than the kept chart; under ETREAT it is asked each time.
 *
 * Threads: struct charts locks itself, never across a call to records. Memory: results are
 * copied into the call's arena; at most 100,000 patients are kept. Errors: below.
 */
#ifndef DOSAGE_CHART_CHART_H
#define DOSAGE_CHART_CHART_H

#include "services/dosage/dosage.h"

struct chart {
    uint8_t id[DOSAGE_ID]; /* the patient they are now, after merges */
    char text[37];
    const Ward__Dosage__V1__Facts *facts;
    bool kept; /* not read from records in this call */
};
/* What LOINC codes weights, heights, creatinines and eGFRs are found by: chart/facts.c, each
 * with its source. Values are kept as they came (unit included); the check converts. NOT_FOUND
 * PATIENT_NOT_FOUND: none, or the person may not see them UNAVAILABLE  RECORDS_AWAY: records
 * cannot be reached and this person was not let in within access_s Records away and the person
 * let in: facts->state STALE, or UNAVAILABLE with nothing in it. */
WARD_MUST enum ward_code chart_of(struct ward_call *c, const char *patient_id,
                                  struct chart *out);
/* Only whether the person may; what List and Get methods ask. */
WARD_MUST enum ward_code chart_may(struct ward_call *c, const char *patient_id,
                                   struct chart *out);
/* What is kept of a patient, without asking anybody and for nobody: downtime packs. NULL: none.
 */
const Ward__Dosage__V1__Facts *chart_kept(struct charts *ch, struct ward_arena *mem,
                                          const uint8_t id[DOSAGE_ID]);

/* What is kept of a patient here is of no use any more. */
void charts_forget(struct charts *ch, const uint8_t id[DOSAGE_ID]);

WARD_MUST enum ward_code charts_open(struct dosage *dos, struct charts **out,
                                     struct ward_err *err); /* starts the follower */
void charts_close(struct charts *ch);                       /* NULL is fine */
double charts_feed_age_s(struct charts *ch);                /* -1: never heard */

#endif
