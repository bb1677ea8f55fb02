/* ask.h - the chart, asked of records with the person's own token.
 *
 * Threads: any worker's. Memory: the call's arena. Errors: NOT_FOUND PATIENT_NOT_FOUND: there
 * is none, or the person may not see them; UNAVAILABLE RECORDS_AWAY: no answer in the time that
 * was given; others are records' own (a token that expired meanwhile, a record that does not
 * open).
 */
#ifndef DOSAGE_CHART_ASK_H
#define DOSAGE_CHART_ASK_H

#include "services/dosage/chart/facts.h"
#include "services/dosage/dosage.h"

struct answer {
    uint8_t id[DOSAGE_ID]; /* who they are now */
    Facts *facts;          /* whole; of ask_may only birth_date and sex */
    const char *lies;      /* the ward they came to last, whoever asks; "" in none */
};
/* One call: Records.Read of the Patient. */
WARD_MUST enum ward_code ask_may(struct ward_call *c, const uint8_t id[DOSAGE_ID],
                                 struct answer *out);
/* The same and the rest: encounters, allergies, measurements. */
WARD_MUST enum ward_code ask_all(struct ward_call *c, const uint8_t id[DOSAGE_ID],
                                 int64_t now_us, struct answer *out);
/* One call to records with the person's own token, in at most half of the time that is left. */
WARD_MUST enum ward_code ask_records(struct ward_call *c, const char *path,
                                     const ProtobufCMessage *req,
                                     const ProtobufCMessageDescriptor *type,
                                     ProtobufCMessage **resp);
/* What a failure of a call to records means here, c->err as it was left. */
WARD_MUST enum ward_code ask_meant(struct ward_call *c, enum ward_code code);
/* Of one whom ask_may answered: only where they lie. */
WARD_MUST enum ward_code ask_where(struct ward_call *c, int64_t now_us, struct answer *out);

#endif
