/* chart.h - the parts of a chart that doses depend on, and the caller's access to the patient.
 *
 * The chart is read from records with the person's own token (Read, Search), so records decides
 * on access. facts.h selects the relevant entries. A chart is cached in memory (never in a
 * table) for that person only, while records' feed reports no change of the patient (keep.h).
 *
 * One thread of a process follows the feed. A change of a patient evicts the cached chart. A
 * change of the Patient, an Encounter or a Consent also evicts the permissions. The first
 * replica that sees a merge, unmerge or erasure writes the change to this service's tables;
 * feed_position stores the position. At its very first start, a service reads the whole feed
 * for merges and erasures. Until the end of the feed is reached, every chart is read from
 * records.
 *
 * A change reaches the cache with the feed, within about a second. Until then, and while the
 * feed is silent for less than chart_s, a cached chart may be outdated; as_of_us is the time at
 * which the chart was last known to be current. After chart_s of silence, all cached charts are
 * stale until the feed continues.
 *
 * A permission of records (patient, subject, roles, ward, purpose) is valid for access_s. After
 * access_s the chart is read again, because the feed does not report changes by time, such as
 * the end of a stay, of a consent's period or of a break-glass grant. Under ETREAT, records is
 * called each time.
 *
 * Threads: struct charts has its own lock, which is never held during a call to records.
 * Memory: results are copied into the call's arena; at most KEEP_CHARTS are cached. Errors:
 * listed at each function.
 */
#ifndef DOSAGE_CHART_CHART_H
#define DOSAGE_CHART_CHART_H

#include "services/dosage/dosage.h"

struct chart {
    uint8_t id[DOSAGE_ID]; /* the surviving record of the patient */
    char text[37];
    const Ward__Dosage__V1__Facts *facts;
    bool kept; /* the chart is from the cache, and was not read in this call */
};
/*   NOT_FOUND    PATIENT_NOT_FOUND: the patient does not exist, or the caller has no access
 *   UNAVAILABLE  RECORDS_AWAY: records is unavailable, and the caller had no permission within
 *                access_s
 * If records is unavailable and the caller had permission: facts->state is STALE, or
 * UNAVAILABLE without facts. */
WARD_MUST enum ward_code chart_of(struct ward_call *c, const char *patient_id,
                                  struct chart *out);
/* Checks only the access; for List and Get methods. */
WARD_MUST enum ward_code chart_may(struct ward_call *c, const char *patient_id,
                                   struct chart *out);
/* The cached chart of a patient, without a call to records and without a caller: for downtime
 * packs. NULL: not cached.
 */
const Ward__Dosage__V1__Facts *chart_kept(struct charts *ch, struct ward_arena *mem,
                                          const uint8_t id[DOSAGE_ID]);

/* Evicts a patient's cached chart. ch may be NULL. */
void charts_forget(struct charts *ch, const uint8_t id[DOSAGE_ID]);

WARD_MUST enum ward_code charts_open(struct dosage *dos, struct charts **out,
                                     struct ward_err *err); /* starts the follower */
void charts_close(struct charts *ch);                       /* NULL is fine */
double charts_feed_age_s(struct charts *ch); /* -1: the feed was never received */

#endif
