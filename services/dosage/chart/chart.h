/* chart.h - what records says of a patient that doses depend on, and whether this person may
 * see it.
 *
 * Read from records with the person's own token (Read, Search), so records decides who may and
 * what of it; what counts of what is read: facts.h. Kept in memory (sealed in no table), for
 * that person alone, while its feed says that nothing of the patient changed (keep.h). One
 * thread a process follows the feed: a change of a patient forgets what is kept of them, one of
 * the Patient, an Encounter or a Consent also who was let in; merges, unmerges and erasures are
 * written to this service's tables, once, by whichever replica is first, and the position is
 * kept in feed_position. At its very first start the whole feed is read, for the merges and
 * erasures in it; charts are read each time until its end is reached.
 *
 * So a change shows here as soon as the feed brings it, within about a second; in between, and
 * while the feed is silent for less than chart_s, a kept chart may be older: as_of_us says when
 * it was last known to be so. A feed silent for chart_s makes everything kept stale until it
 * speaks again.
 *
 * Records' yes to a person (patient, subject, roles, ward, purpose) stands for access_s, and
 * after that the chart is read again too, for what begins and ends by the clock is told by no
 * feed: a stay, a consent's period, a broken glass. Under ETREAT records is asked each time.
 *
 * Threads: struct charts locks itself, never across a call to records. Memory: results are
 * copied into the call's arena; at most KEEP_CHARTS are kept. Errors: below.
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
/*   NOT_FOUND    PATIENT_NOT_FOUND: there is none, or the person may not see them
 *   UNAVAILABLE  RECORDS_AWAY: records cannot be asked, and this person was not let in within
 *                access_s
 * Records away and the person let in: facts->state STALE, or UNAVAILABLE and nothing in it. */
WARD_MUST enum ward_code chart_of(struct ward_call *c, const char *patient_id,
                                  struct chart *out);
/* Only whether the person may; what List and Get methods ask. */
WARD_MUST enum ward_code chart_may(struct ward_call *c, const char *patient_id,
                                   struct chart *out);
/* What is kept of a patient, without asking anybody and for nobody: downtime packs. NULL: none.
 */
const Ward__Dosage__V1__Facts *chart_kept(struct charts *ch, struct ward_arena *mem,
                                          const uint8_t id[DOSAGE_ID]);

/* What is kept of a patient here is of no use any more. NULL is fine. */
void charts_forget(struct charts *ch, const uint8_t id[DOSAGE_ID]);

WARD_MUST enum ward_code charts_open(struct dosage *dos, struct charts **out,
                                     struct ward_err *err); /* starts the follower */
void charts_close(struct charts *ch);                       /* NULL is fine */
double charts_feed_age_s(struct charts *ch);                /* -1: never heard */

#endif
